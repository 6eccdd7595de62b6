import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { Background, Repeated } from '#daemon/platform/background.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { DeliveryPlan } from '#shared/delivery/plan.ts';
import type { MediaStore } from '../media-store.ts';

/** Shortest `latency_alert.interval_seconds`. */
const LOOK_EVERY_MS = 2000;

/** How far one live stream is behind. */
interface MeasuredDelay {
  app: string;
  streamId: string;
  room: string;
  delayMs: number;
}

export interface LatencyAlertsDeps {
  apps: {
    get(name: string): AppEntry | undefined;
    noteTrouble(name: string, code: 'LATENCY_HIGH', trouble: { message: string; since: string } | null): void;
  };
  delivery: { plan(app: string): Promise<DeliveryPlan> };
  /** Streams whose delay is known now. */
  measured(): MeasuredDelay[];
  mediaStore: Pick<MediaStore, 'change'>;
  bus: EventBus;
  background: Background;
  clock: Clock;
  log: Log<'info' | 'warn'>;
}

interface Watched extends MeasuredDelay {
  /** Monotonic milliseconds of the next measurement. */
  dueAt: number;
  /** Monotonic milliseconds of the last warning. */
  warnedAt: number;
  /** Wall clock of the warning that lasts; null = none does. */
  highSince: number | null;
}

/** Compares how far viewers are behind with `latency_alert`, and tells when it becomes too much and when it is over. */
export class LatencyAlerts {
  readonly #deps: LatencyAlertsDeps;
  readonly #watched = new Map<string, Watched>();
  #looking: Repeated | undefined;

  constructor(deps: LatencyAlertsDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#looking = this.#deps.background.every('latency alerts', LOOK_EVERY_MS, () => this.look());
  }

  async stop(): Promise<void> {
    await this.#looking?.stop();
  }

  /** Measures what is due. */
  async look(): Promise<void> {
    const found = new Set<string>();
    for (const delay of this.#deps.measured()) {
      const key = `${delay.app} ${delay.streamId}`;
      const app = this.#deps.apps.get(delay.app);
      const plan = app === undefined ? null : (await this.#deps.delivery.plan(delay.app)).latencyAlert;
      if (app === undefined || plan === null) continue;
      found.add(key);
      const now = this.#deps.clock.monotonic();
      const watched = this.#watched.get(key) ?? {
        ...delay,
        dueAt: now,
        warnedAt: Number.NEGATIVE_INFINITY,
        highSince: null,
      };
      this.#watched.set(key, watched);
      // the look itself comes a little early or late
      if (watched.dueAt - now > LOOK_EVERY_MS / 2) continue;
      watched.dueAt = now + plan.intervalSeconds * 1000;
      watched.delayMs = delay.delayMs;
      const isHigh = delay.delayMs > plan.thresholdMs;
      if (isHigh && watched.highSince === null && now - watched.warnedAt >= plan.cooldownSeconds * 1000) {
        Object.assign(watched, { warnedAt: now, highSince: this.#deps.clock.now() });
        await this.#tell(app, 'high', watched, plan.thresholdMs);
      } else if (!isHigh && watched.highSince !== null) {
        watched.highSince = null;
        await this.#tell(app, 'normal', watched, plan.thresholdMs);
      }
    }
    for (const [key, watched] of this.#watched) if (!found.has(key)) await this.#end(key, watched);
  }

  /** The stream is over, or nobody asks any more: what was told to be high is not so any longer. */
  async #end(key: string, watched: Watched): Promise<void> {
    this.#watched.delete(key);
    const app = this.#deps.apps.get(watched.app);
    if (watched.highSince === null || app === undefined) return;
    watched.highSince = null;
    await this.#tell(app, 'normal', watched, null);
  }

  async #tell(app: AppEntry, what: 'high' | 'normal', watched: Watched, thresholdMs: number | null): Promise<void> {
    const { mediaStore, bus, log } = this.#deps;
    const { streamId, room, delayMs } = watched;
    // a stream that is over has no delay
    const data = { streamId, room, delayMs: thresholdMs === null ? null : delayMs, thresholdMs };
    this.#show(app.name);
    await mediaStore.change(app, (tx) => tx.callback({ event: `latency_${what}`, room, data }));
    bus.publish({ type: `latency.${what}`, app: app.name, tenant: app.tenantId, data });
    if (what === 'high') log.warn({ app: app.name, ...data }, 'viewers are further behind than allowed');
    else log.info({ app: app.name, ...data }, 'viewers are no longer further behind than allowed');
  }

  /** The app's problem is that of the stream which has had it for the longest time. */
  #show(app: string): void {
    const high = [...this.#watched.values()].filter((one) => one.app === app && one.highSince !== null);
    const [first] = high.sort((a, b) => (a.highSince as number) - (b.highSince as number));
    if (first === undefined) {
      this.#deps.apps.noteTrouble(app, 'LATENCY_HIGH', null);
      return;
    }
    const message = `Viewers of ${first.room} are ${(first.delayMs / 1000).toFixed(1)} s behind, more than latency_alert.threshold_ms allows.`;
    this.#deps.apps.noteTrouble(app, 'LATENCY_HIGH', {
      message,
      since: new Date(first.highSince as number).toISOString(),
    });
  }
}
