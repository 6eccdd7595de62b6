import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { Background, Repeated } from '#daemon/platform/background.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { DeliveryPlan } from '#shared/delivery/plan.ts';
import type { MediaStore } from '../media-store.ts';

/** Shortest `latency_alert.interval_seconds`. */
const LOOK_EVERY_MS = 2000;
/** Smallest `latency_alert.forward_threshold_ms`: a node below it needs no look at the apps. */
const LEAST_FORWARD_MS = 1;

/** How far live HLS of one stream is behind. */
interface StreamDelay {
  app: string;
  streamId: string;
  room: string;
  delayMs: number;
}

/** How long the LiveKit of one node takes to pass on a packet. */
interface NodeDelay {
  node: string;
  delayMs: number;
}

export interface LatencyAlertsDeps {
  apps: {
    get(name: string): AppEntry | undefined;
    forRoom(room: string): AppEntry | undefined;
    noteTrouble(name: string, code: 'LATENCY_HIGH', trouble: { message: string; since: string } | null): void;
  };
  delivery: { plan(app: string): Promise<DeliveryPlan> };
  /** Streams whose delay is known now. */
  streams(): StreamDelay[];
  /** Nodes whose delay is known now. */
  nodes(): NodeDelay[];
  /** Rooms that someone publishes in now. */
  liveRooms(): Iterable<string>;
  mediaStore: Pick<MediaStore, 'change'>;
  bus: EventBus;
  background: Background;
  clock: Clock;
  log: Log<'info' | 'warn'>;
}

/** What is behind: a stream, or a node for one of the apps that it serves. */
interface Subject {
  app: string;
  streamId: string | null;
  room: string | null;
  node: string | null;
  delayMs: number;
}

interface Watched extends Subject {
  /** Monotonic milliseconds of the next measurement. */
  dueAt: number;
  /** Monotonic milliseconds of the last warning. */
  warnedAt: number;
  /** Wall clock of the warning that lasts; null = none does. */
  highSince: number | null;
}

/** Compares live HLS and LiveKit's nodes with `latency_alert`, and reports when a delay gets too large and when it is over. */
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
    for (const subject of this.#subjects()) {
      const key = `${subject.app} ${subject.node === null ? `stream ${subject.streamId}` : `node ${subject.node}`}`;
      const app = this.#deps.apps.get(subject.app);
      const plan = app === undefined ? null : (await this.#deps.delivery.plan(subject.app)).latencyAlert;
      const thresholdMs = subject.node === null ? plan?.thresholdMs : plan?.forwardThresholdMs;
      if (app === undefined || plan === null || thresholdMs === undefined || thresholdMs === null) continue;
      found.add(key);
      const now = this.#deps.clock.monotonic();
      const watched = this.#watched.get(key) ?? {
        ...subject,
        dueAt: now,
        warnedAt: Number.NEGATIVE_INFINITY,
        highSince: null,
      };
      this.#watched.set(key, watched);
      // the timer fires a little early or late
      if (watched.dueAt - now > LOOK_EVERY_MS / 2) continue;
      watched.dueAt = now + plan.intervalSeconds * 1000;
      watched.delayMs = subject.delayMs;
      const isHigh = subject.delayMs > thresholdMs;
      if (isHigh && watched.highSince === null && now - watched.warnedAt >= plan.cooldownSeconds * 1000) {
        Object.assign(watched, { warnedAt: now, highSince: this.#deps.clock.now() });
        await this.#tell(app, 'high', watched, thresholdMs);
      } else if (!isHigh && watched.highSince !== null) {
        watched.highSince = null;
        await this.#tell(app, 'normal', watched, thresholdMs);
      }
    }
    for (const [key, watched] of this.#watched) if (!found.has(key)) await this.#end(key, watched);
  }

  /** LiveKit doesn't report which node a room is on, so a slow node concerns every app that is live. */
  *#subjects(): Iterable<Subject> {
    for (const stream of this.#deps.streams()) yield { ...stream, node: null };
    const nodes = this.#deps.nodes().filter(({ delayMs }) => delayMs > LEAST_FORWARD_MS);
    if (nodes.length === 0) return;
    const names = [...this.#deps.liveRooms()].map((room) => this.#deps.apps.forRoom(room)?.name);
    for (const app of new Set(names.filter((name) => name !== undefined)))
      for (const { node, delayMs } of nodes) yield { app, streamId: null, room: null, node, delayMs };
  }

  /** The stream ended or the alert was turned off, so a reported delay no longer counts. */
  async #end(key: string, watched: Watched): Promise<void> {
    this.#watched.delete(key);
    const app = this.#deps.apps.get(watched.app);
    if (watched.highSince === null || app === undefined) return;
    watched.highSince = null;
    await this.#tell(app, 'normal', watched, null);
  }

  async #tell(app: AppEntry, what: 'high' | 'normal', watched: Watched, thresholdMs: number | null): Promise<void> {
    const { mediaStore, bus, log } = this.#deps;
    const { streamId, room, node, delayMs } = watched;
    // what is over has no delay
    const data = { streamId, room, node, delayMs: thresholdMs === null ? null : delayMs, thresholdMs };
    this.#show(app.name);
    await mediaStore.change(app, (tx) => tx.callback({ event: `latency_${what}`, room, data }));
    bus.publish({ type: `latency.${what}`, app: app.name, tenant: app.tenantId, data });
    if (what === 'high') log.warn({ app: app.name, ...data }, 'viewers are further behind than allowed');
    else log.info({ app: app.name, ...data }, 'viewers are no longer further behind than allowed');
  }

  /** The app's problem is the one that has lasted for the longest time. */
  #show(app: string): void {
    const high = [...this.#watched.values()].filter((one) => one.app === app && one.highSince !== null);
    const [first] = high.sort((a, b) => (a.highSince as number) - (b.highSince as number));
    if (first === undefined) {
      this.#deps.apps.noteTrouble(app, 'LATENCY_HIGH', null);
      return;
    }
    const { node, room, delayMs } = first;
    const message =
      node === null
        ? `Viewers of ${room} are ${(delayMs / 1000).toFixed(1)} s behind, more than latency_alert.threshold_ms allows.`
        : `LiveKit on ${node} takes ${delayMs} ms to pass on a packet, more than latency_alert.forward_threshold_ms allows.`;
    this.#deps.apps.noteTrouble(app, 'LATENCY_HIGH', {
      message,
      since: new Date(first.highSince as number).toISOString(),
    });
  }
}
