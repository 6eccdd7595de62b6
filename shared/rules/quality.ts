import type { IcePath, QualityFinding, QualitySample, TelemetryDirection } from '../schema/telemetry.ts';

/** From where a figure is worth a word. Loss and round trip: ITU-T G.114 and what people hear; the others from use. */
const QUALITY_LIMITS = { lossPercent: 2, rttMs: 300, jitterMs: 50, freezeShare: 0.05, fps: 10 } as const;

/** A stretch needs as many samples in a row, so that one hiccup is not told. */
const LEAST_SAMPLES = 2;
/** Samples further apart than this are two stretches, milliseconds. */
const GAP_MS = 35_000;
const SAMPLE_S = 10;

type Side = 'up' | 'down';
interface Rule {
  measure: QualityFinding['measure'];
  direction: Side | null;
  /** The figure where it is bad, else undefined. */
  bad(sample: QualitySample): number | undefined;
  worst(...values: number[]): number;
  words(worst: number): string;
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
  return RULES.flatMap((rule) => stretches(samples, rule)).sort((a, b) => (a.from < b.from ? -1 : 1));
}

function stretches(samples: readonly QualitySample[], rule: Rule): QualityFinding[] {
  const found: QualityFinding[] = [];
  let run: { sample: QualitySample; value: number }[] = [];
  const end = (): void => {
    const [first, last] = [run[0], run.at(-1)];
    if (first !== undefined && last !== undefined && run.length >= LEAST_SAMPLES) {
      const worst = rule.worst(...run.map(({ value }) => value));
      const path = last.sample.ice === undefined ? null : PATHS[last.sample.ice];
      found.push({
        measure: rule.measure,
        direction: rule.direction,
        from: first.sample.at,
        to: last.sample.at,
        worst,
        text: [rule.words(worst), ...(path === null ? [] : [path])].join(', '),
      });
    }
    run = [];
  };
  for (const sample of samples) {
    const last = run.at(-1);
    if (last !== undefined && Date.parse(sample.at) - Date.parse(last.sample.at) > GAP_MS) end();
    const value = rule.bad(sample);
    if (value === undefined) end();
    else run.push({ sample, value });
  }
  end();
  return found;
}
