import { randomUUID } from 'node:crypto';
import { filteredList } from '#daemon/platform/db/filtered-list.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import { prepared } from '#daemon/platform/db/prepared.ts';
import {
  type CallbackEventName,
  type CallbackMessage,
  type DeliveryState,
  RECEIVERS,
  type Receiver,
} from '#shared/schema/callbacks.ts';

export interface OutboxRow {
  seq: number;
  id: string;
  event: CallbackEventName;
  room: string | null;
  data_json: string;
  state: DeliveryState;
  attempts: number;
  created_at: string;
  /** Milliseconds since 1970; after that no further try is begun. */
  expires_at: number;
  last_attempt_at: string | null;
  done_at: string | null;
  last_status: number | null;
  last_error: string | null;
}

export interface NewCallback {
  /** The same for every receiver of the event; made when absent. */
  id?: string;
  event: CallbackEventName;
  room: string | null;
  data: Record<string, unknown>;
  /** Milliseconds since 1970. */
  at: number;
}

/** How long an event is worth delivering. */
export const LIFETIME_MS = 24 * 3_600_000;

const TABLES = { callback: 'callback_outbox', mqtt: 'mqtt_outbox' } as const satisfies Record<Receiver, string>;

/** The outbox of one receiver in an app's database: each has its own numbers and its own position. */
export function outboxRepository(db: Db, receiver: Receiver): OutboxRepository {
  return REPOSITORIES[receiver](db);
}

type OutboxRepository = ReturnType<typeof prepare>;
const REPOSITORIES = Object.fromEntries(
  RECEIVERS.map((receiver) => [receiver, prepared((db) => prepare(db, TABLES[receiver]))]),
) as Record<Receiver, (db: Db) => OutboxRepository>;

function prepare(db: Db, table: (typeof TABLES)[Receiver]) {
  const add = db.prepare<[string, string, string | null, string, string, number]>(
    `INSERT INTO ${table} (id, event, room, data_json, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)`,
  );
  const head = db.prepare<[], OutboxRow>(`SELECT * FROM ${table} WHERE state = 'pending' ORDER BY seq LIMIT 1`);
  const get = db.prepare<[string], OutboxRow>(`SELECT * FROM ${table} WHERE id = ?`);
  const rows = filteredList<OutboxRow, 'state' | 'event'>(db, {
    table,
    conditions: { state: 'state = @state', event: 'event = @event' },
    order: 'seq DESC',
  });
  const delivered = db.prepare<[string, string, number, string]>(
    `UPDATE ${table} SET state = 'delivered', attempts = attempts + 1, last_attempt_at = ?, done_at = ?,
     last_status = ?, last_error = NULL WHERE id = ?`,
  );
  const failed = db.prepare<[string, number | null, string, string]>(
    `UPDATE ${table} SET attempts = attempts + 1, last_attempt_at = ?, last_status = ?, last_error = ? WHERE id = ?`,
  );
  const bury = db.prepare<[string, string]>(
    `UPDATE ${table} SET state = 'dead', done_at = ? WHERE id = ? AND state = 'pending'`,
  );
  const expired = db.prepare<[string, string, number]>(
    `UPDATE ${table} SET state = 'dead', done_at = ?, last_error = coalesce(last_error, ?)
     WHERE state = 'pending' AND expires_at <= ?`,
  );
  const buryAll = db.prepare<[string, string]>(
    `UPDATE ${table} SET state = 'dead', done_at = ?, last_error = ? WHERE state = 'pending'`,
  );
  const skip = db.prepare<[{ at: string; reason: string; seq: number; time: string | null }]>(
    `UPDATE ${table} SET state = 'dead', done_at = @at, last_error = @reason
     WHERE state = 'pending' AND seq <= @seq AND (@time IS NULL OR created_at < @time)`,
  );
  const revive = db.prepare<[number, string]>(
    `UPDATE ${table} SET state = 'pending', attempts = 0, done_at = NULL, expires_at = ? WHERE id = ?`,
  );
  const reviveDead = db.prepare<[number]>(
    `UPDATE ${table} SET state = 'pending', attempts = 0, done_at = NULL, expires_at = ? WHERE state = 'dead'`,
  );
  const countDone = db
    .prepare<[string], number>(`SELECT count(*) FROM ${table} WHERE state = 'delivered' AND done_at >= ?`)
    .pluck();
  const lastDone = db.prepare<[], string | null>(`SELECT max(done_at) FROM ${table} WHERE state = 'delivered'`).pluck();
  const forget = db.prepare<[string, string]>(
    `DELETE FROM ${table} WHERE (state = 'delivered' AND done_at < ?) OR (state = 'dead' AND done_at < ?)`,
  );
  return {
    /** @returns the delivery's id */
    add: ({ id = randomUUID(), event, room, data, at }: NewCallback): string => {
      add.run(id, event, room, JSON.stringify(data), new Date(at).toISOString(), at + LIFETIME_MS);
      return id;
    },
    /** The next one to send. */
    head: () => head.get(),
    get: (id: string) => get.get(id),
    page: rows.page,
    count: (state: DeliveryState) => rows.count({ state }),
    delivered: (id: string, at: string, status: number) => delivered.run(at, at, status, id),
    failed: (id: string, at: string, status: number | null, error: string) => failed.run(at, status, error, id),
    bury: (id: string, at: string) => bury.run(at, id).changes > 0,
    buryExpired: (now: number, reason: string) => expired.run(new Date(now).toISOString(), reason, now).changes,
    buryAll: (at: string, reason: string) => buryAll.run(at, reason).changes,
    /** Gives up what waits: up to a number, or from before a time. @returns how many */
    skip: (at: string, reason: string, until: { seq: number; time: string | null }) =>
      skip.run({ at, reason, ...until }).changes,
    revive: (id: string, expiresAt: number) => revive.run(expiresAt, id),
    reviveDead: (expiresAt: number) => reviveDead.run(expiresAt).changes,
    countDelivered: (since: string) => countDone.get(since) as number,
    lastDelivered: () => lastDone.get() ?? null,
    forget: (deliveredBefore: string, deadBefore: string) => forget.run(deliveredBefore, deadBefore).changes,
  };
}

/** The message of a row: the same on every try. */
export function messageOf(app: string, row: OutboxRow): CallbackMessage {
  return {
    id: row.id,
    seq: row.seq,
    event: row.event,
    app,
    room: row.room,
    ts: row.created_at,
    timestamp: row.created_at,
    data: JSON.parse(row.data_json) as Record<string, unknown>,
  };
}
