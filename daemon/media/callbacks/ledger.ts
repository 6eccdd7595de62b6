import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import type { DaemonEvent, EventBus } from '#daemon/platform/events/bus.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import type { CallbackEventName } from '#shared/schema/callbacks.ts';
import type { StreamChange } from '../streams/book.ts';
import type { VodChange } from '../vods/book.ts';
import { type NewCallback, outboxRepository } from './outbox.ts';
import { streamPayload, vodPayload } from './payloads.ts';

export type RowChange = StreamChange | VodChange;

export interface LedgerDeps {
  databases: AppDatabases;
  bus: EventBus;
  config: { get(app: string): Promise<AppConfig> };
  /** There may be something to send for the app. */
  onCallbacks(app: string): void;
  now(): number;
}

/** What a change of an app's rows may do besides changing them. */
export interface Entry {
  db: Db;
  config: AppConfig;
  /** Milliseconds since 1970. */
  now: number;
  /** Notes what came of it: callbacks now, events for the world once it is stored. */
  note(changes: readonly RowChange[]): void;
  /** Puts a callback into the outbox, if the app has a receiver. */
  callback(callback: Omit<NewCallback, 'at'>): void;
}

const CALLBACKS: Readonly<Record<RowChange['kind'], readonly CallbackEventName[]>> = {
  stream_started: ['stream_started'],
  stream_ended: ['stream_ended'],
  recording_started: ['recording_started'],
  recording_uploading: [],
  recording_ready: ['recording_ready', 'vod_ready'],
  recording_failed: ['recording_failed'],
  snapshot_taken: ['snapshot_taken'],
};
const EVENTS: Readonly<Record<RowChange['kind'], string>> = {
  stream_started: 'stream.started',
  stream_ended: 'stream.ended',
  recording_started: 'recording.started',
  recording_uploading: 'recording.uploading',
  recording_ready: 'recording.ready',
  recording_failed: 'recording.failed',
  snapshot_taken: 'snapshot.taken',
};

/**
 * The one way to change an app's streams and VODs: the rows and the callbacks that follow from them go into the app's
 * database in one transaction, and the world hears of it afterwards.
 */
export class Ledger {
  readonly #deps: LedgerDeps;

  constructor(deps: LedgerDeps) {
    this.#deps = deps;
  }

  /** @returns what the work returned, and the changes that it noted */
  async change<T>(app: AppEntry, work: (entry: Entry) => T): Promise<{ result: T; changes: RowChange[] }> {
    const config = await this.#deps.config.get(app.name);
    return this.changeWith(app, config, work);
  }

  /** The same with a config that is at hand. */
  changeWith<T>(app: AppEntry, config: AppConfig, work: (entry: Entry) => T): { result: T; changes: RowChange[] } {
    const { databases, now } = this.#deps;
    const db = databases.get(app.name);
    const changes: RowChange[] = [];
    let hasCallbacks = false;
    const at = now();
    const callback: Entry['callback'] = (message) => {
      if (config.callbacks.url === '') return;
      hasCallbacks = true;
      outboxRepository(db).add({ ...message, at });
    };
    const note: Entry['note'] = (list) => {
      for (const change of list) {
        changes.push(change);
        const row = 'stream' in change ? change.stream : change.vod;
        const data = 'stream' in change ? streamPayload(change.stream) : vodPayload(change.vod, config.s3.publicUrl);
        for (const event of CALLBACKS[change.kind]) callback({ event, room: row.room, data });
      }
    };
    const result = db.transaction(() => work({ db, config, now: at, note, callback })).immediate();
    for (const change of changes) this.#deps.bus.publish(eventOf(app, config, change));
    if (hasCallbacks) this.#deps.onCallbacks(app.name);
    return { result, changes };
  }
}

function eventOf(app: AppEntry, config: AppConfig, change: RowChange): DaemonEvent {
  const data = 'stream' in change ? streamPayload(change.stream) : vodPayload(change.vod, config.s3.publicUrl);
  return { type: EVENTS[change.kind], app: app.name, tenant: app.tenantId, data };
}
