import type { NodeQualityFinding } from '../schema/quality.ts';
import type { IcePath, QualityFinding, QualitySample, TelemetryDirection } from '../schema/telemetry.ts';
import type { QualityMeasure } from './node-figures.ts';

/** One bad connection says nothing about a node; with fewer participants there is no alert. */
export const NODE_LEAST_PARTICIPANTS = 3;

/**
 * From where a figure is worth a word. Loss and round trip: ITU-T G.114 and what people hear. The score is a MOS; below 3.6
 * many people are dissatisfied (ITU-T G.107, annex B). The others from use.
 */
export const QUALITY_LIMITS = {
  lossPercent: 2,
  rttMs: 300,
  jitterMs: 50,
  freezeShare: 0.05,
  fps: 10,
  score: 3.6,
  forwardMs: 100,
} as const;

/** A stretch needs as many samples in a row, so that one hiccup is not told. */
const LEAST_SAMPLES = 2;
/** Samples further apart than this are two stretches, milliseconds. */
const GAP_MS = 35_000;
const SAMPLE_S = 10;

type Side = 'up' | 'down';
/** @template S the figures of one time */
interface Judgement<S> {
  /** The figure where it is bad, else undefined. */
  bad(sample: S): number | undefined;
  worst(...values: number[]): number;
  words(worst: number): string;
}
interface Rule extends Judgement<QualitySample> {
  measure: QualityFinding['measure'];
  direction: Side | null;
}

const WAY = { up: 'upstream', down: 'downstream' } as const;
const PATHS: Readonly<Record<IcePath, string | null>> = {
  udp: null,
  tcp: 'on TCP',
  'turn-udp': 'through TURN',
  'turn-tcp': 'on TCP through TURN',
  'turn-tls': 'on TLS through TURN',
};

const above = (value: number | undefined, limit: number): number | undefined =>
  value !== undefined && value > limit ? value : undefined;
const rounded = (value: number): string =>
  value < 10 ? String(Math.round(value * 10) / 10) : String(Math.round(value));

const rulesOf = (direction: Side): Rule[] => {
  const side = (sample: QualitySample): Partial<TelemetryDirection> => sample[direction] ?? {};
  const way = WAY[direction];
  return [
    {
      measure: 'loss',
      direction,
      bad: (sample) => above(side(sample).lossPercent, QUALITY_LIMITS.lossPercent),
      worst: Math.max,
      words: (worst) => `${rounded(worst)} % loss ${way}`,
    },
    {
      measure: 'jitter',
      direction,
      bad: (sample) => above(side(sample).jitterMs, QUALITY_LIMITS.jitterMs),
      worst: Math.max,
      words: (worst) => `${Math.round(worst)} ms jitter ${way}`,
    },
    {
      measure: 'frame-rate',
      direction,
      bad: (sample) => {
        const { fps, width = 0 } = side(sample);
        return fps !== undefined && width > 0 && fps < QUALITY_LIMITS.fps ? fps : undefined;
      },
      worst: Math.min,
      words: (worst) => `Only ${Math.round(worst)} pictures a second ${way}`,
    },
  ];
};

const RULES: readonly Rule[] = [
  ...rulesOf('up'),
  ...rulesOf('down'),
  {
    measure: 'rtt',
    direction: null,
    bad: ({ rttMs }) => above(rttMs, QUALITY_LIMITS.rttMs),
    worst: Math.max,
    words: (worst) => `${Math.round(worst)} ms round trip`,
  },
  {
    measure: 'freezes',
    direction: 'down',
    bad: ({ down }) => {
      const share = (down?.freezeSeconds ?? 0) / SAMPLE_S;
      return share > QUALITY_LIMITS.freezeShare ? Math.min(100, share * 100) : undefined;
    },
    worst: Math.max,
    words: (worst) => `The picture was frozen for ${Math.round(worst)} % of the time`,
  },
];

/**
 * What was wrong, in words: each stretch in which a figure was bad. Pure.
 * @param samples oldest first
 */
export function qualityFindings(samples: readonly QualitySample[]): QualityFinding[] {
  return RULES.flatMap((rule) =>
    stretches(samples, rule, GAP_MS).map(({ last, ...found }) => {
      const path = last.ice === undefined ? null : PATHS[last.ice];
      const text = [rule.words(found.worst), ...(path === null ? [] : [path])].join(', ');
      return { measure: rule.measure, direction: rule.direction, ...found, text };
    }),
  ).sort(byStart);
}

const byStart = (a: { from: string }, b: { from: string }): number => (a.from < b.from ? -1 : 1);

function stretches<S extends { at: string }>(
  samples: readonly S[],
  { bad, worst }: Judgement<S>,
  gapMs: number,
): { from: string; to: string; worst: number; last: S }[] {
  const found: { from: string; to: string; worst: number; last: S }[] = [];
  let run: { sample: S; value: number }[] = [];
  const end = (): void => {
    const [first, last] = [run[0], run.at(-1)];
    if (first !== undefined && last !== undefined && run.length >= LEAST_SAMPLES)
      found.push({
        from: first.sample.at,
        to: last.sample.at,
        worst: worst(...run.map(({ value }) => value)),
        last: last.sample,
      });
    run = [];
  };
  for (const sample of samples) {
    const last = run.at(-1);
    if (last !== undefined && Date.parse(sample.at) - Date.parse(last.sample.at) > gapMs) end();
    const value = bad(sample);
    if (value === undefined) end();
    else run.push({ sample, value });
  }
  end();
  return found;
}

type NodeSample = { at: string } & Partial<Record<QualityMeasure, number | null>>;
interface NodeLimit {
  is: 'above' | 'below';
  value: number;
  words(worst: number): string;
}

/** Limits of a node’s figures, and what is said beyond them. Others have none: they grow with the audience. */
export const NODE_LIMITS: Readonly<Partial<Record<QualityMeasure, NodeLimit>>> = {
  score: { is: 'below', value: QUALITY_LIMITS.score, words: (worst) => `A quality score of ${rounded(worst)}` },
  lossIn: {
    is: 'above',
    value: QUALITY_LIMITS.lossPercent,
    words: (worst) => `${rounded(worst)} % loss on the way to the node`,
  },
  lossOut: {
    is: 'above',
    value: QUALITY_LIMITS.lossPercent,
    words: (worst) => `${rounded(worst)} % loss on the way to viewers`,
  },
  jitter: { is: 'above', value: QUALITY_LIMITS.jitterMs, words: (worst) => `${Math.round(worst)} ms jitter` },
  rtt: { is: 'above', value: QUALITY_LIMITS.rttMs, words: (worst) => `${Math.round(worst)} ms round trip` },
  forward: {
    is: 'above',
    value: QUALITY_LIMITS.forwardMs,
    words: (worst) => `${Math.round(worst)} ms to pass on a packet`,
  },
};

/** Is a node’s figure beyond its limit? */
export function isBadFigure(measure: string, value: number | null | undefined): boolean {
  const limit = NODE_LIMITS[measure as QualityMeasure];
  if (limit === undefined || value == null) return false;
  return limit.is === 'above' ? value > limit.value : value < limit.value;
}

/** What is wrong with a node’s figures now, in words. */
export const nodeQualityWords = (figures: Partial<Record<QualityMeasure, number>>): string[] =>
  limits().flatMap(([measure, { words }]) => {
    const value = figures[measure];
    return value !== undefined && isBadFigure(measure, value) ? [words(value)] : [];
  });

/**
 * What was wrong with a node, in words: each stretch in which a figure was beyond its limit. Pure.
 * @param samples oldest first, one each step
 */
export function nodeFindings(samples: readonly NodeSample[], stepSeconds: number): NodeQualityFinding[] {
  return limits()
    .flatMap(([measure, { is, words }]) => {
      const judgement = {
        bad: ({ [measure]: value }: NodeSample) => (isBadFigure(measure, value) ? (value as number) : undefined),
        worst: is === 'above' ? Math.max : Math.min,
        words,
      };
      return stretches(samples, judgement, 3500 * stepSeconds).map(({ last: _last, ...found }) => ({
        measure,
        ...found,
        text: words(found.worst),
      }));
    })
    .sort(byStart);
}

const limits = (): [QualityMeasure, NodeLimit][] => Object.entries(NODE_LIMITS) as [QualityMeasure, NodeLimit][];
