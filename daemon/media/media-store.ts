import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import { placeOf } from '#daemon/apps/storage/location.ts';
import type { Background } from '#daemon/platform/background.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import type { DaemonEvent, EventBus } from '#daemon/platform/events/bus.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import type { CallbackEventName, Receiver } from '#shared/schema/callbacks.ts';
import type { EventType } from '#shared/schema/events.ts';
import { type NewCallback, outboxRepository } from './callbacks/outbox.ts';
import { hlsPayload, ingressEvent, ingressPayload, streamPayload, vodPayload } from './callbacks/payloads.ts';
import { receiversOf } from './callbacks/receivers.ts';
import type { IngressChange } from './ingress/sessions.ts';
import type { HlsChange } from './live-hls/lifecycle.ts';
import type { StreamChange } from './streams/stream-lifecycle.ts';
import { transcodingRepository } from './transcoding/repository.ts';
import type { VodChange, VodOwner } from './vods/vod-lifecycle.ts';

export type RowChange = StreamChange | HlsChange | VodChange | IngressChange;

export interface MediaStoreDeps {
  databases: AppDatabases;
  bus: EventBus;
  config: { get(app: string): Promise<AppConfig> };
  /** Absolute folder of an app. */
  appDir(app: string): string;
  /** Messages for a receiver of the app were stored. */
  onCallbacks(app: string, receiver: Receiver): void;
  /** Rows were changed: for services that follow the changes of others. */
  onChanges(app: AppEntry, changes: readonly RowChange[]): void;
  /** Keeps a change for the session in which it happens, in the same transaction. */
  keep?(tx: MediaTransaction, change: RowChange): void;
  background: Background;
  /** Does a job follow a recording, after which the VOD is complete? */
  awaitsLadder(config: AppConfig): boolean;
  clock: Clock;
}

/** One transaction on an app's streams and VODs. */
export interface MediaTransaction {
  db: Db;
  config: AppConfig;
  /** Whose VODs these are. */
  owner: VodOwner;
  /** Milliseconds since 1970. */
  now: number;
  /** Records changes of rows: their callbacks are stored now, their events are published after the commit. */
  note(changes: readonly RowChange[]): void;
  /** Puts an event into the outbox of each receiver that the app has for it. */
  callback(callback: Omit<NewCallback, 'at'>): void;
}

const CALLBACKS: Readonly<Record<RowChange['kind'], readonly CallbackEventName[]>> = {
  stream_started: ['stream_started'],
  stream_updated: [],
  stream_ended: ['stream_ended'],
  hls_started: ['stream_hls_started'],
  hls_ended: ['stream_hls_ended'],
  recording_starting: [],
  recording_started: ['recording_started'],
  recording_uploading: [],
  recording_finished: [],
  recording_broken: [],
  recording_ready: ['recording_ready', 'vod_ready'],
  recording_failed: ['recording_failed'],
  recording_cancelled: ['recording_cancelled'],
  recording_measured: ['recording_measured'],
  snapshot_taken: ['snapshot_taken'],
  ingress_started: ['ingress_started'],
  ingress_ended: ['ingress_ended'],
  vod_ready: ['vod_ready'],
};
const EVENTS = {
  stream_started: 'stream.started',
  stream_updated: 'stream.updated',
  stream_ended: 'stream.ended',
  hls_started: 'stream.hls_started',
  hls_ended: 'stream.hls_ended',
  recording_starting: 'recording.starting',
  recording_started: 'recording.started',
  recording_uploading: 'recording.uploading',
  // told as ready once its length is read
  recording_finished: null,
  // told as ready or failed once its storage was looked at
  recording_broken: null,
  recording_ready: 'recording.ready',
  recording_failed: 'recording.failed',
  recording_cancelled: 'recording.cancelled',
  recording_measured: 'recording.measured',
  snapshot_taken: 'snapshot.taken',
  ingress_started: 'ingress.started',
  ingress_ended: 'ingress.ended',
  vod_ready: 'vod.ready',
} as const satisfies Readonly<Record<RowChange['kind'], EventType | null>>;

/** Shortest time between two transactions while several changes come at a time. */
const GROUP_MS = 10;

/** What the work returned, and the changes that it noted. */
interface Outcome<T> {
  result: T;
  changes: RowChange[];
}

interface Waiting {
  app: AppEntry;
  config: AppConfig;
  work(tx: MediaTransaction): unknown;
  resolve(outcome: Outcome<unknown>): void;
  reject(error: unknown): void;
}

/**
 * The only way to change an app's streams and VODs. Rows and the callbacks that follow from them are written in one
 * transaction of the app's database; events are published after the commit.
 */
export class MediaStore {
  readonly #deps: MediaStoreDeps;

  /** Changes that wait for the next turn of the event loop, by app. */
  readonly #waiting = new Map<string, Waiting[]>();
  /** Apps for which several changes came at a time, and when; monotonic. */
  readonly #busy = new Map<string, number>();

  constructor(deps: MediaStoreDeps) {
    this.#deps = deps;
  }

  /** Changes rows and announces it. @returns what the work returned, and the changes that it noted */
  async change<T>(app: AppEntry, work: (tx: MediaTransaction) => T): Promise<Outcome<T>> {
    const outcome = this.changeWith(app, await this.#deps.config.get(app.name), work);
    this.announce(app, outcome.changes);
    return outcome;
  }

  /** Starts what follows from changes of rows: recordings, ladders, live HLS. */
  announce(app: AppEntry, changes: readonly RowChange[]): void {
    if (changes.length > 0) this.#deps.onChanges(app, changes);
  }

  /**
   * `change()` for many callers: all changes of one turn of the event loop share a transaction, so that a thousand events a second
   * don't cost a write to the disk each. While several come at a time, a turn lasts some milliseconds. One that fails is undone alone.
   * The caller calls `announce()` itself.
   * @returns when everything is on the disk
   */
  changeSoon<T>(app: AppEntry, config: AppConfig, work: (tx: MediaTransaction) => T): Promise<Outcome<T>> {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome<T>>();
    const waiting = this.#waiting.get(app.name);
    const one: Waiting = { app, config, work, resolve: resolve as Waiting['resolve'], reject };
    if (waiting !== undefined) waiting.push(one);
    else {
      this.#waiting.set(app.name, [one]);
      const { background, clock } = this.#deps;
      const last = this.#busy.get(app.name);
      const wait = last === undefined ? 0 : last + GROUP_MS - clock.monotonic();
      const commit = (): void => this.#commit(app.name);
      if (wait > 0) background.after('events of LiveKit', wait, commit);
      else background.soon('events of LiveKit', commit);
    }
    return promise;
  }

  /** Are there changes of the app that the next turn stores? */
  isWaiting(app: string): boolean {
    return this.#waiting.has(app);
  }

  /** Carries out what waits for an app. */
  #commit(name: string): void {
    const waiting = this.#waiting.get(name) ?? [];
    this.#waiting.delete(name);
    // who sends one after the other doesn't wait
    if (waiting.length > 1) this.#busy.set(name, this.#deps.clock.monotonic());
    else this.#busy.delete(name);
    const done: (() => void)[] = [];
    try {
      const db = this.#deps.databases.get(name);
      const attempt = db.transaction((work: Waiting['work'], tx: MediaTransaction) => work(tx));
      db.transaction(() => {
        for (const { app, config, work, resolve, reject } of waiting) {
          const { tx, changes, told } = this.#open(app, config);
          try {
            const result = attempt(work, tx);
            done.push(() => {
              resolve({ result, changes });
              this.#publish(app, config, changes, told);
            });
          } catch (error) {
            // a fault of the disk has ended the whole transaction
            if (!db.inTransaction) throw error;
            done.push(() => reject(error));
          }
        }
      }).immediate();
    } catch (error) {
      for (const { reject } of waiting) reject(error);
      return;
    }
    for (const tell of done) this.#deps.background.run('news of stored events', tell);
  }

  /** `change()` for callers that already have the config, and call `announce()` themselves. */
  changeWith<T>(app: AppEntry, config: AppConfig, work: (tx: MediaTransaction) => T): Outcome<T> {
    const { tx, changes, told } = this.#open(app, config);
    const result = tx.db.transaction(() => work(tx)).immediate();
    this.#publish(app, config, changes, told);
    return { result, changes };
  }

  /** What a piece of work gets, what it noted, and which receivers have messages of it. */
  #open(app: AppEntry, config: AppConfig) {
    const { databases, clock } = this.#deps;
    const db = databases.get(app.name);
    const changes: RowChange[] = [];
    const told = new Set<Receiver>();
    const at = clock.now();
    const callback: MediaTransaction['callback'] = (message) => {
      let id: string | undefined;
      for (const receiver of receiversOf(config, message.event)) {
        told.add(receiver);
        id = outboxRepository(db, receiver).add({ ...message, at, ...(id === undefined ? {} : { id }) });
      }
    };
    const note: MediaTransaction['note'] = (list) => {
      for (const change of list) {
        changes.push(change);
        this.#deps.keep?.(tx, change);
        const { room } = 'stream' in change ? change.stream : 'vod' in change ? change.vod : change.ingest;
        const data = 'ingest' in change ? ingressPayload(change) : payloadOf(change, config);
        const isReady = change.kind === 'recording_finished' || change.kind === 'recording_ready';
        if (isReady && this.#deps.awaitsLadder(config)) transcodingRepository(db).add(change.vod.id);
        const isAwaited = isReady && transcodingRepository(db).get(change.vod.id) !== undefined;
        for (const event of CALLBACKS[change.kind]) {
          if (!isAwaited || event !== 'vod_ready') callback({ event, room, data });
        }
      }
    };
    const owner = { appId: app.id, place: placeOf(config.s3), appDir: this.#deps.appDir(app.name) };
    const tx: MediaTransaction = { db, config, owner, now: at, note, callback };
    return { tx, changes, told };
  }

  #publish(app: AppEntry, config: AppConfig, changes: readonly RowChange[], told: ReadonlySet<Receiver>): void {
    for (const change of changes) {
      const event = eventOf(app, config, change);
      if (event !== null) this.#deps.bus.publish(event);
    }
    for (const receiver of told) this.#deps.onCallbacks(app.name, receiver);
  }
}

function eventOf(app: AppEntry, config: AppConfig, change: RowChange): DaemonEvent | null {
  const to = { app: app.name, tenant: app.tenantId };
  if ('ingest' in change) return { ...to, type: EVENTS[change.kind], data: ingressEvent(change) };
  if ('hls' in change) return { ...to, type: EVENTS[change.kind], data: hlsPayload(change) };
  if ('stream' in change) return { ...to, type: EVENTS[change.kind], data: streamPayload(change.stream) };
  const type = EVENTS[change.kind];
  return type === null ? null : { ...to, type, data: vodOf(change, config) };
}

function payloadOf(change: Exclude<RowChange, IngressChange>, config: AppConfig): Record<string, unknown> {
  if ('vod' in change) return vodOf(change, config);
  return 'hls' in change ? hlsPayload(change) : streamPayload(change.stream);
}

const vodOf = (change: VodChange, config: AppConfig) =>
  vodPayload(change.vod, config, change.kind === 'vod_ready' ? change.playlist : undefined);
