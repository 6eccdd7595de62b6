import type { Background, Repeated } from '#daemon/platform/background.ts';
import { type Clock, SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import type { Log } from '#daemon/platform/log.ts';
import { nodeFigures, nodeMeasures, serverMeasures } from '#shared/rules/measures.ts';
import {
  HISTORY_MINUTES,
  LOAD_MEASURES,
  type LoadHistory,
  type Measure,
  type NodeHistory,
} from '#shared/schema/history.ts';
import type { ServerStats } from '#shared/schema/stats.ts';
import { MinuteMean } from './measures.ts';
import { HistoryRepository, type SampleRow, type StepRow, type TrafficRow } from './repository.ts';

const SERVER = 'server';
const LOOK_MS = 15_000;
const MINUTE = 60_000;
/** Nodes whose figures are kept; a cluster of more has the figures of its first ones. */
const MAX_NODES = 1000;
/** Rows that wait in memory while the file can't be written; beyond, the oldest are lost. */
const MAX_UNWRITTEN = 20_000;
/** Minutes up to which each minute is answered; beyond, a value is the mean of five. */
const FINE = 360;
const COARSE_STEP = 5;

/** A node as its last heartbeat left it. */
interface ReportingNode {
  readonly id: string;
  /** Time of its last heartbeat, milliseconds; null = never. */
  readonly seenAt: number | null;
  readonly statsJson: string | null;
}

export interface HistoryDeps {
  file: string;
  stats(): ServerStats | Promise<ServerStats>;
  nodes(): Iterable<ReportingNode>;
  clock?: Clock;
  background: Background;
  /** The time by which what is old is deleted; the clock's unless given. */
  retentionNow?: () => number;
  log: Log<'warn'>;
}

/** What the load was: a mean a minute of the daemon's machine and of each node, kept for a day. */
export class HistoryService {
  readonly #deps: HistoryDeps;
  readonly #clock: Clock;
  readonly #means = new Map<string, MinuteMean>();
  /** Time of the heartbeat whose values were used last, for each node. */
  #taken: ReadonlyMap<string, number> = new Map();
  #repository: HistoryRepository | undefined;
  #timer: Repeated | undefined;
  /** Rows of minutes that could not be written yet. */
  readonly #unwritten: SampleRow[] = [];
  #minute = 0;

  constructor(deps: HistoryDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? SYSTEM_CLOCK;
  }

  start(): void {
    this.#repository = new HistoryRepository(this.#deps.file, {
      onDamage: (keptAs) =>
        this.#deps.log.warn(
          { keptAs },
          'the load history could not be read; it was set aside and a new one was created',
        ),
      onRefusal: (error) => this.#deps.background.failed('load history file', error),
    });
    this.#minute = this.#currentMinute();
    this.#timer = this.#deps.background.every('load history', LOOK_MS, () => this.look());
  }

  async stop(): Promise<void> {
    await this.#timer?.stop();
    await this.#deps.background.run('final load history', () => this.#write());
    this.#repository?.close();
    this.#repository = undefined;
  }

  /** Takes what is known now; the minute that is over is written. */
  async look(): Promise<void> {
    const minute = this.#currentMinute();
    if (minute !== this.#minute) {
      try {
        this.#write();
      } finally {
        this.#minute = minute;
      }
    }
    let nodes = 0;
    const taken = new Map<string, number>();
    for (const { id, seenAt, statsJson } of this.#deps.nodes()) {
      if (++nodes > MAX_NODES) break;
      // a silent node has no figures: its line has a gap
      if (seenAt === null || statsJson === null) continue;
      const before = this.#taken.get(id);
      taken.set(id, seenAt);
      if (before === seenAt || (before === undefined && this.#clock.now() - seenAt > MINUTE)) continue;
      const stats: unknown = JSON.parse(statsJson);
      this.#meanOf(id).add({ ...nodeMeasures(stats), ...nodeFigures(stats) });
    }
    // created again each time, so that removed nodes are forgotten
    this.#taken = taken;
    this.#meanOf(SERVER).add(serverMeasures(await this.#deps.stats()));
  }

  /** @param minutes how far back, at most a day */
  server(minutes: number): LoadHistory {
    return this.lines(LOAD_MEASURES, minutes, SERVER);
  }

  /** Each node is read when its turn comes. @param id one node; default: all nodes that sent a heartbeat */
  nodes(minutes: number, id?: string): Span['told'] & { nodes: Iterable<NodeHistory> } {
    const span = this.#span(minutes);
    return { ...span.told, nodes: this.#histories(span, id) };
  }

  *#histories(span: Span, only: string | undefined): Generator<NodeHistory> {
    for (const id of only === undefined ? this.#subjects() : [only]) {
      const rows = id === SERVER ? [] : (this.#repository?.steps(id, span) ?? []);
      if (rows.length > 0) yield { id, lines: toLines(LOAD_MEASURES, rows, span) };
    }
  }

  *#subjects(): Generator<string> {
    let id = '';
    // not one query: 10,000 names take their time
    while ((id = this.#repository?.after(id) ?? '') !== '') yield id;
  }

  /** Lines of any measures of one subject. */
  lines<M extends Measure>(measures: readonly M[], minutes: number, id: string): Span['told'] & { lines: LinesOf<M> } {
    const span = this.#span(minutes);
    return { ...span.told, lines: toLines(measures, this.#repository?.steps(id, span) ?? [], span) };
  }

  /** Bytes that nodes sent and received, by day. @param from whole days since 1970, inclusive */
  traffic(from: number, to: number): TrafficRow[] {
    return (this.#repository?.traffic(from, to) ?? []).filter(({ subject }) => subject !== SERVER);
  }

  #meanOf(subject: string): MinuteMean {
    const known = this.#means.get(subject);
    if (known !== undefined) return known;
    const made = new MinuteMean();
    this.#means.set(subject, made);
    return made;
  }

  #write(): void {
    const rows = [...this.#means].map(([subject, mean]) => ({ subject, minute: this.#minute, ...mean.means() }));
    this.#unwritten.push(...rows);
    this.#unwritten.splice(0, Math.max(0, this.#unwritten.length - MAX_UNWRITTEN));
    this.#means.clear();
    const kept = Math.floor((this.#deps.retentionNow ?? (() => this.#clock.now()))() / MINUTE);
    const refused = this.#repository?.write(this.#unwritten, Math.min(this.#minute, kept) - HISTORY_MINUTES) ?? [];
    this.#unwritten.length = 0;
    for (const { subject, minute } of refused)
      this.#deps.log.warn({ subject, minute }, 'figures that the load history file rejects were dropped');
  }

  #currentMinute(): number {
    return Math.floor(this.#clock.now() / MINUTE);
  }

  /** The steps that are answered; the last one is the newest minute that is over. */
  #span(minutes: number): Span {
    const step = minutes > FINE ? COARSE_STEP : 1;
    const end = this.#currentMinute();
    const count = Math.ceil(minutes / step);
    const first = end - count * step;
    return {
      first,
      step,
      count,
      told: { from: new Date(first * MINUTE).toISOString(), stepSeconds: step * 60 },
    };
  }
}

/** One value a step; a measure that was never told is absent. */
export type LinesOf<M extends Measure> = Partial<Record<M, (number | null)[]>>;

interface Span {
  first: number;
  step: number;
  count: number;
  told: { from: string; stepSeconds: number };
}

function toLines<M extends Measure>(measures: readonly M[], rows: readonly StepRow[], { count }: Span): LinesOf<M> {
  const lines: LinesOf<M> = {};
  for (const measure of measures) {
    if (rows.every((row) => row[measure] === null)) continue;
    const line = Array<number | null>(count).fill(null);
    for (const { place, [measure]: value } of rows) if (value !== null) line[place] = Number(value.toPrecision(6));
    lines[measure] = line;
  }
  return lines;
}
