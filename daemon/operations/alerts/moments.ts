import type { EventBus } from '#daemon/platform/events/bus.ts';
import { type ConditionId, conditionOf } from '#shared/rules/conditions.ts';
import type { Fact, FactSource } from './facts.ts';
import type { IncidentRow } from './repository.ts';

type App = NonNullable<Fact['app']>;

export interface MomentsDeps {
  bus: EventBus;
  app(name: string): App | undefined;
  now(): number;
  /** Something happened: look soon. */
  wake(): void;
}

/** Subjects whose last event is remembered; beyond, the oldest are forgotten. */
const MAX = 2000;

/** What happens rather than lasts, kept until it is over: failed recordings, dropped ingests, jumps of the clock. */
export class Moments implements FactSource {
  readonly name = 'what happened';
  readonly conditions = [
    'recording-failed',
    'ingest-dropped',
    'clock-jumped',
  ] as const satisfies readonly ConditionId[];
  readonly #deps: MomentsDeps;
  readonly #facts = new Map<string, Fact>();
  #detach: (() => void) | undefined;

  constructor(deps: MomentsDeps) {
    this.#deps = deps;
  }

  /** @param open incidents of the last run, which are not over because the daemon was away */
  start(open: readonly IncidentRow[]): void {
    for (const {
      condition,
      subject,
      name,
      text,
      app,
      app_id: id,
      tenant_id: tenantId,
      kept_until: keptUntil,
    } of open) {
      if (keptUntil === null) continue;
      const owner = app !== null && id !== null && tenantId !== null ? { app: { id, name: app, tenantId } } : {};
      this.#facts.set(`${condition} ${subject}`, { condition, subject, name, text, keptUntil, ...owner });
    }
    this.#detach = this.#deps.bus.subscribe(({ type, app, data }) => {
      const entry = app === undefined ? undefined : this.#deps.app(app);
      const room = 'room' in data ? (data.room ?? '') : '';
      switch (type) {
        case 'recording.failed':
          if (entry !== undefined) {
            const text = `Recording of ${room} in ${entry.name} failed: ${data.error ?? 'no reason was given'}`;
            this.note('recording-failed', { subject: entry.name, name: entry.name, text, app: entry });
          }
          break;
        case 'recording.ready':
          this.over('recording-failed', app ?? '');
          break;
        case 'ingress.ended':
          if (entry !== undefined && (data.reason === 'error' || data.reason === 'lost')) {
            const why = data.error ?? 'LiveKit says that it is over, and not why';
            const text = `The ingest of ${room} in ${entry.name} dropped: ${why}`;
            this.note('ingest-dropped', { subject: `${entry.name} ${data.id}`, name: room, text, app: entry });
          }
          break;
        case 'ingress.started':
        case 'ingress.deleted':
          this.over('ingest-dropped', `${app} ${data.id}`);
          break;
        case 'app.deleted':
          for (const [key, fact] of this.#facts) if (fact.app?.name === app) this.#facts.delete(key);
      }
    });
  }

  stop(): void {
    this.#detach?.();
  }

  note(condition: (typeof this.conditions)[number], fact: Omit<Fact, 'condition'>): void {
    const key = `${condition} ${fact.subject}`;
    this.#facts.delete(key);
    const keptUntil = this.#deps.now() + (conditionOf(condition).keptSeconds ?? 0) * 1000;
    this.#facts.set(key, { ...fact, condition, keptUntil });
    const [oldest] = this.#facts.keys();
    if (this.#facts.size > MAX && oldest !== undefined) this.#facts.delete(oldest);
    this.#deps.wake();
  }

  over(condition: (typeof this.conditions)[number], subject: string): void {
    if (this.#facts.delete(`${condition} ${subject}`)) this.#deps.wake();
  }

  read(): Fact[] {
    const now = this.#deps.now();
    for (const [key, { keptUntil = 0 }] of this.#facts) if (keptUntil <= now) this.#facts.delete(key);
    return [...this.#facts.values()];
  }
}
