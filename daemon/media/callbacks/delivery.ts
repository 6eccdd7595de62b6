import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { Background, Repeated } from '#daemon/platform/background.ts';
import { type Clock, SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { DaemonEvent, EventBus } from '#daemon/platform/events/bus.ts';
import { type Bounds, FairTurns } from '#daemon/platform/fair-turns.ts';
import type { Log } from '#daemon/platform/log.ts';
import { CALLBACKS_DEAD_DAYS, CALLBACKS_DELIVERED_DAYS } from '#shared/limits.ts';
import type { Receiver } from '#shared/schema/callbacks.ts';
import type { EventData } from '#shared/schema/event-payloads.ts';
import { backoff } from './backoff.ts';
import { type OutboxRow, outboxRepository } from './outbox.ts';
import type { SendResult } from './sender.ts';

const DAY_MS = 86_400_000;
const KEEP_DELIVERED_MS = CALLBACKS_DELIVERED_DAYS * DAY_MS;
const KEEP_DEAD_MS = CALLBACKS_DEAD_DAYS * DAY_MS;
const MAX_ATTEMPTS = 15;
/** How long 401, 403 and 404 are tried again. */
const REFUSED_FOR_MS = 30 * 60_000;
const LONGEST_WAIT_MS = 3_600_000;
/** Requests under way: over all apps, and for one team. Each app has one at most. */
const AT_ONCE = 256;
const AT_ONCE_PER_TEAM = 8;
/** Of these, to receivers whose last answer was slow or a failure: many of them never keep all others waiting. */
const SLOW_SHARE = 0.75;
const SLOW_MS = 2000;
const FIRST_LOOK_MS = 1000;
const TIDY_EVERY_MS = 3_600_000;

/** Sends one message. Throws only if `signal` is aborted. */
type Send = (row: OutboxRow, signal: AbortSignal) => Promise<SendResult>;

/** The receiver that an app has now. */
interface Target {
  /** With another one, what is known of failures no longer applies. */
  address: string;
  send: Send;
}

/** How messages of an outbox leave. */
export interface Channel {
  receiver: Receiver;
  /** What the log and reasons call it. */
  words: { all: string; one: string; off: string };
  /** Where the app's messages go; null = the app has no such receiver. */
  open(app: string): Promise<Target | null>;
  close(): void;
}

export interface OutboxDeliveryDeps {
  channel: Channel;
  databases: AppDatabases;
  apps: { get(name: string): AppEntry | undefined; entries(): Iterable<AppEntry>; turnOf(name: string): string };
  bus: EventBus;
  background: Background;
  /** The time by which what is old is deleted; the clock's unless given. */
  retentionNow?: () => number;
  log: Log<'info' | 'warn'>;
  clock?: Clock;
  /** Milliseconds to wait after the n-th failure in a row. */
  waitAfter?(failures: number): number;
  /** How many requests may be under way. */
  atOnce?: number;
}

/** How an app's receiver is doing; times in milliseconds since 1970. */
export interface QueueState {
  failingSince: number | null;
  /** 0 = now. */
  nextAt: number;
  lastError: string | null;
}

interface AppQueue extends QueueState {
  /** Monotonic milliseconds; 0 = now. */
  nextAt: number;
  isRunning: boolean;
  /** Woken while it ran: look once more. */
  isWoken: boolean;
  /** Asked to try again while a try was running, perhaps to an old address: no wait follows it. */
  isHurried: boolean;
  /** Of the receiver that was used last. */
  address: string | undefined;
  failures: number;
  isSlow: boolean;
  /** The delivery whose last try was refused with 401, 403 or 404, and since when, in monotonic milliseconds. */
  refused: { id: string; since: number } | null;
  /** Cancels the next try. */
  cancel: (() => void) | undefined;
}

/**
 * Delivers the events of every app to one receiver, in order: while one waits for its next try, those after it wait too.
 * Messages that were given up stay in the dead-letter list.
 */
export class OutboxDelivery {
  readonly #deps: OutboxDeliveryDeps;
  readonly #clock: Clock;
  readonly #queues = new Map<string, AppQueue>();
  /** Requests under way, over all apps. Teams take turns, so slow receivers of one delay no other's. */
  readonly #turns = new FairTurns();
  readonly #abort = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #cancelLook: (() => void) | undefined;
  #tidying: Repeated | undefined;
  #detach: (() => void) | undefined;

  constructor(deps: OutboxDeliveryDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? SYSTEM_CLOCK;
  }

  start(): void {
    const { background } = this.#deps;
    const { all } = this.#deps.channel.words;
    this.#cancelLook = background.after(`waiting ${all}`, FIRST_LOOK_MS, () => this.#lookThrough());
    this.#tidying = background.every(`old ${all}`, TIDY_EVERY_MS, () => this.#tidy());
    this.#detach = this.#deps.bus.subscribe((event) => {
      if (event.app === undefined) return;
      if (event.type === 'app.deleted') this.#forget(event.app);
      else if (event.type === 'config.changed' || event.type === 'config.reloaded') this.retryNow(event.app);
    });
  }

  /** A running try is cut off and repeated after the next start. */
  async stop(): Promise<void> {
    this.#detach?.();
    this.#cancelLook?.();
    const tidied = this.#tidying?.stop();
    for (const queue of this.#queues.values()) queue.cancel?.();
    this.#abort.abort();
    await Promise.allSettled([...this.#running, tidied]);
    this.#deps.channel.close();
  }

  /** There may be something to send. */
  wake(app: string): void {
    if (this.#abort.signal.aborted) return;
    const queue = this.#queue(app);
    if (queue.isRunning) {
      queue.isWoken = true;
      return;
    }
    const wait = queue.nextAt - this.#clock.monotonic();
    queue.cancel?.();
    if (wait > 0) {
      queue.cancel = this.#deps.background.after(this.#deps.channel.words.all, wait, () => this.wake(app));
      return;
    }
    queue.isRunning = true;
    queue.isWoken = false;
    const run = this.#pump(app, queue)
      .catch((err) => {
        if (this.#abort.signal.aborted) return;
        this.#deps.log.warn({ app, err }, `${this.#deps.channel.words.all} could not be sent; retrying`);
        queue.failures += 1;
        queue.nextAt = this.#clock.monotonic() + (this.#deps.waitAfter ?? backoff)(queue.failures);
      })
      .finally(() => {
        queue.isRunning = false;
        if (queue.isHurried) queue.nextAt = 0;
        this.#running.delete(run);
        if ((queue.nextAt > 0 || queue.isWoken) && this.#queues.get(app) === queue) this.wake(app);
      });
    this.#running.add(run);
  }

  state(app: string): QueueState {
    const queue = this.#queues.get(app);
    if (queue === undefined) return { failingSince: null, nextAt: 0, lastError: null };
    const { failingSince, nextAt, lastError } = queue;
    // shown on the wall clock, waited for on the monotonic one
    const shown = nextAt === 0 ? 0 : Math.round(this.#clock.now() + nextAt - this.#clock.monotonic());
    return { failingSince, nextAt: shown, lastError };
  }

  // --- sending ---------------------------------------------------------------------

  async #pump(app: string, queue: AppQueue): Promise<void> {
    const { apps, channel } = this.#deps;
    for (;;) {
      if (this.#abort.signal.aborted || apps.get(app) === undefined) return;
      queue.isHurried = false;
      const target = await channel.open(app);
      const outbox = this.outbox(app);
      if (target?.address !== queue.address) this.#forgetFailures(app, queue);
      queue.address = target?.address;
      if (target === null) {
        this.#giveUpAll(app, outbox.buryAll(instant(this.#clock.now()) as string, channel.words.off));
        queue.nextAt = 0;
        return;
      }
      this.#giveUpAll(app, outbox.buryExpired(this.#retentionNow(), 'It could not be delivered within one day.'));
      const row = outbox.head();
      if (row === undefined) {
        queue.nextAt = 0;
        return;
      }
      const turn = apps.turnOf(app);
      const all = this.#deps.atOnce ?? AT_ONCE;
      const slow: Bounds = queue.isSlow ? { slow: Math.ceil(all * SLOW_SHARE) } : {};
      const { signal } = this.#abort;
      const result = await this.#turns.run(
        turn,
        { all, ...slow, [`of ${turn}`]: AT_ONCE_PER_TEAM },
        async () => {
          const since = this.#clock.monotonic();
          const sent = await target.send(row, signal);
          queue.isSlow = !sent.isDelivered || this.#clock.monotonic() - since > SLOW_MS;
          return sent;
        },
        signal,
      );
      if (!this.#settle(app, queue, row, result)) return;
    }
  }

  /** @returns true when the next one can be sent immediately */
  #settle(app: string, queue: AppQueue, row: OutboxRow, result: SendResult): boolean {
    const outbox = this.outbox(app);
    const { words } = this.#deps.channel;
    const now = this.#clock.now();
    const at = instant(now) as string;
    const tell = <W extends Told>(what: W, data: ToldData<W>, live = false): void => this.#tell(app, what, data, live);
    if (result.isDelivered) {
      outbox.delivered(row.id, at, result.status ?? 200);
      tell('delivered', { id: row.id, seq: row.seq, event: row.event }, true);
      if (queue.failingSince !== null) this.#deps.log.info({ app }, `${words.all} are delivered again`);
      this.#forgetFailures(app, queue);
      return true;
    }
    const error = result.error ?? 'It failed.';
    if (!result.isUnsent) {
      outbox.failed(row.id, at, result.status, error);
      tell('failed', { id: row.id, seq: row.seq, event: row.event, error }, true);
    }
    if (outbox.get(row.id)?.state !== 'pending') {
      // it was skipped in the meantime
      Object.assign(queue, { failures: 0, nextAt: 0 });
      return true;
    }
    queue.lastError = error;
    // one that is sent again after it was given up has no attempts, and its time begins again
    const before = row.attempts > 0 && queue.refused?.id === row.id ? queue.refused : null;
    queue.refused = result.isRefusal ? (before ?? { id: row.id, since: this.#clock.monotonic() }) : null;
    const isLost =
      queue.refused === null ? !result.isRetryable : this.#clock.monotonic() - queue.refused.since >= REFUSED_FOR_MS;
    if (isLost || (!result.isUnsent && row.attempts + 1 >= MAX_ATTEMPTS)) {
      outbox.bury(row.id, at);
      tell('dead', { id: row.id, seq: row.seq, event: row.event, error });
      this.#deps.log.warn({ app, delivery: row.id, event: row.event, error }, `${words.one} became a dead letter`);
      if (isLost) {
        // the next one has its own tries
        Object.assign(queue, { failures: 0, nextAt: 0 });
        return true;
      }
    }
    queue.failures += 1;
    queue.nextAt =
      this.#clock.monotonic() +
      Math.max((this.#deps.waitAfter ?? backoff)(queue.failures), Math.min(result.retryAfterMs ?? 0, LONGEST_WAIT_MS));
    if (queue.failingSince === null) {
      queue.failingSince = now;
      tell('failing', { event: row.event, error });
      this.#deps.log.warn({ app, error }, `${words.all} are not delivered; retrying`);
    }
    return false;
  }

  /** Nothing is known to fail: a message was delivered, or those that failed are over with their receiver. */
  #forgetFailures(app: string, queue: AppQueue): void {
    if (queue.failingSince !== null) this.#tell(app, 'recovered', { since: instant(queue.failingSince) });
    Object.assign(queue, { failures: 0, failingSince: null, refused: null, nextAt: 0, lastError: null });
  }

  #giveUpAll(app: string, count: number): void {
    if (count === 0) return;
    this.#tell(app, 'dead', { count });
    this.#deps.log.warn({ app, count }, `${this.#deps.channel.words.all} became dead letters`);
  }

  #tell<W extends Told>(app: string, what: W, data: ToldData<W>, live = false): void {
    const type = `${this.#deps.channel.receiver}.${what}`;
    this.#deps.bus.publish({ type, app, tenant: this.#deps.apps.get(app)?.tenantId, live, data } as DaemonEvent);
  }

  /** The app's outbox of this receiver. Don't keep it across awaits. */
  outbox(app: string): ReturnType<typeof outboxRepository> {
    return outboxRepository(this.#deps.databases.get(app), this.#deps.channel.receiver);
  }

  /** After a start: what was not delivered before. */
  async #lookThrough(): Promise<void> {
    for (const { name } of [...this.#deps.apps.entries()]) {
      if (this.#abort.signal.aborted) return;
      try {
        if (this.outbox(name).head() !== undefined) this.wake(name);
      } catch (err) {
        this.#deps.log.warn({ app: name, err }, 'app.db cannot be read');
      }
      await nextTurn();
    }
    await this.#tidy();
  }

  #retentionNow(): number {
    return (this.#deps.retentionNow ?? (() => this.#clock.now()))();
  }

  async #tidy(): Promise<void> {
    const now = this.#retentionNow();
    const deliveredBefore = instant(now - KEEP_DELIVERED_MS) as string;
    const deadBefore = instant(now - KEEP_DEAD_MS) as string;
    for (const { name } of [...this.#deps.apps.entries()]) {
      if (this.#abort.signal.aborted) return;
      try {
        this.outbox(name).forget(deliveredBefore, deadBefore);
      } catch (err) {
        this.#deps.log.warn({ app: name, err }, `old ${this.#deps.channel.words.all} could not be removed`);
      }
      await nextTurn();
    }
  }

  /** Waiting messages are tried immediately. */
  retryNow(app: string): void {
    const queue = this.#queues.get(app);
    if (queue !== undefined) Object.assign(queue, { nextAt: 0, isHurried: queue.isRunning });
    this.wake(app);
  }

  /** Deliveries were skipped: the next one starts without the wait of those before it. With none left, nothing fails. */
  skipped(app: string): void {
    const queue = this.#queues.get(app);
    if (queue !== undefined) {
      queue.failures = 0;
      if (this.outbox(app).head() === undefined) this.#forgetFailures(app, queue);
    }
    this.retryNow(app);
  }

  #forget(app: string): void {
    this.#queues.get(app)?.cancel?.();
    this.#queues.delete(app);
  }

  #queue(app: string): AppQueue {
    let queue = this.#queues.get(app);
    if (queue === undefined) {
      queue = {
        isRunning: false,
        isWoken: false,
        isHurried: false,
        address: undefined,
        failures: 0,
        isSlow: false,
        refused: null,
        failingSince: null,
        nextAt: 0,
        lastError: null,
        cancel: undefined,
      };
      this.#queues.set(app, queue);
    }
    return queue;
  }
}

type Told = 'delivered' | 'failed' | 'failing' | 'recovered' | 'dead';
/** Both receivers send the same. */
type ToldData<W extends Told> = EventData<`${Receiver}.${W}`>;

export const instant = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());
