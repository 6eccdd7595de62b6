import type { Background, Repeated } from '#daemon/platform/background.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { DaemonEvent, EventBus } from '#daemon/platform/events/bus.ts';
import type { ConditionId } from '#shared/rules/conditions.ts';
import type { Fact, FactSource } from './facts.ts';
import type { Incidents } from './incidents.ts';

const LOOK_MS = 5000;
/** Events come in bursts: what they change is looked at together. */
const SOON_MS = 150;
/** Events after which something may be wrong or well again. */
const TELLING =
  /^(?:livekit\.|node\.(?!stats)|job\.(?:failed|waiting|succeeded|cancelled)|plugin\.|app\.|config\.|mqtt\.(?:conn|disc)|callback\.(?:failing|recovered)|latency\.|settings\.)/;

export interface AlertWatchDeps {
  sources: readonly FactSource[];
  incidents: Incidents;
  bus: EventBus;
  background: Background;
  clock: Clock;
  /** Called after each look. */
  onLooked(): void;
}

interface Reading {
  facts: readonly Fact[] | undefined;
  /** Monotonic milliseconds. */
  at: number;
}

/** Reads the facts again and again, and after events that tell of news, and compares them with the rules. */
export class AlertWatch {
  readonly #deps: AlertWatchDeps;
  readonly #readings = new Map<FactSource, Reading>();
  #timer: Repeated | undefined;
  #cancelSoon: (() => void) | undefined;
  #cancelOpening: (() => void) | undefined;
  #detach: (() => void) | undefined;
  #startedAt = 0;

  constructor(deps: AlertWatchDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { background, bus, clock } = this.#deps;
    this.#startedAt = clock.monotonic();
    this.#timer = background.every('alerts', LOOK_MS, () => this.look(), { first: SOON_MS });
    this.#detach = bus.subscribe(({ type }: DaemonEvent) => {
      if (TELLING.test(type)) this.soon();
    });
  }

  async stop(): Promise<void> {
    this.#detach?.();
    this.#cancelSoon?.();
    this.#cancelOpening?.();
    await this.#timer?.stop();
  }

  /** Looks again in a moment. */
  soon(): void {
    this.#cancelSoon ??= this.#deps.background.after('alerts', SOON_MS, () => {
      this.#cancelSoon = undefined;
      this.#timer?.soon();
    });
  }

  async look(): Promise<void> {
    const { sources, incidents, background, clock, onLooked } = this.#deps;
    for (const source of sources) await this.#read(source);
    const facts: Fact[] = [];
    const known = new Set<ConditionId>();
    const settled = new Set<ConditionId>();
    const sinceStart = clock.monotonic() - this.#startedAt;
    for (const source of sources) {
      const { facts: found } = this.#readings.get(source) as Reading;
      if (found === undefined) continue;
      for (const fact of found) facts.push(fact);
      for (const condition of source.conditions) known.add(condition);
      if (sinceStart >= (source.settleSeconds ?? 0) * 1000 && source.isSettled?.() !== false)
        for (const condition of source.conditions) settled.add(condition);
    }
    incidents.update({ facts, known, settled });
    onLooked();
    this.#cancelOpening?.();
    const wait = incidents.nextOpening();
    if (wait !== undefined && wait < LOOK_MS)
      this.#cancelOpening = background.after('alerts', wait, () => this.#timer?.soon());
  }

  /** A source that fails is not known; the others are still read. */
  async #read(source: FactSource): Promise<void> {
    const { background, clock } = this.#deps;
    const task = `facts of ${source.name}`;
    const last = this.#readings.get(source);
    const now = clock.monotonic();
    if (last?.facts !== undefined && now - last.at < (source.everySeconds ?? 0) * 1000) return;
    try {
      this.#readings.set(source, { facts: await source.read(), at: now });
      background.succeeded(task);
    } catch (error) {
      this.#readings.set(source, { facts: undefined, at: now });
      background.failed(task, error);
    }
  }
}
