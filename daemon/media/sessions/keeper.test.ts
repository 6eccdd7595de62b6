import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import { appMigrations } from '#daemon/platform/db/app/index.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import { migrate } from '#daemon/platform/db/migrate.ts';
import { openDatabase } from '#daemon/platform/db/open.ts';
import { completeConfig } from '#shared/config/defaults.ts';
import { testBackground } from '#test/helpers/background.ts';
import { until } from '#test/helpers/until.ts';
import { SessionKeeper } from './keeper.ts';

const HOUR = 3_600_000;
const NOW = Date.parse('2026-03-01T00:00:00Z');

/** An app whose first session still runs, and `ended` sessions with one connection each, whose ids follow millions of old ones. */
function setUp(t: { after(fn: () => unknown): void }, { ended, mostStays }: { ended: number; mostStays?: number }) {
  const db = openDatabase(':memory:');
  migrate(db, appMigrations);
  const addSession = db.prepare(
    'INSERT INTO room_sessions (id, sid, room, started_at, is_start_known, ended_at, stays) VALUES (?, ?, ?, ?, 1, ?, ?)',
  );
  const addStay = db.prepare(
    `INSERT INTO room_stays (id, sid, session_id, identity, is_hidden, is_counted, has_published, joined_at, left_at, reason)
     VALUES (?, ?, ?, ?, 0, 1, 0, ?, ?, 0)`,
  );
  const begun = NOW - 60 * 24 * HOUR;
  addSession.run(1, 'RM_channel', 'live-channel', begun, null, 4);
  addStay.run(1, 'PA_camera', 1, 'camera', begun, null);
  for (const n of [2, 3, 4]) addStay.run(n, `PA_${n}`, 1, `viewer ${n}`, begun + n, begun + HOUR);
  for (let n = 0; n < ended; n += 1) {
    const at = NOW - (ended - n) * HOUR;
    addSession.run(100 + n, `RM_${n}`, 'live-stage', at, at + 60_000, 1);
    addStay.run(5_000_100 + n, `PA_ended_${n}`, 100 + n, 'ana', at, at + 60_000);
  }
  const app = { id: 1, name: 'live' } as AppEntry;
  const keeper = new SessionKeeper({
    databases: { get: () => db, refusal: () => undefined } as unknown as AppDatabases,
    apps: { entries: () => [app], get: () => app },
    config: { get: async () => completeConfig({}, 'live') },
    background: testBackground(),
    retentionNow: () => NOW,
    ...(mostStays === undefined ? {} : { mostStays }),
    log: { info() {}, warn: (_data: object, message: string) => assert.fail(message) },
  });
  t.after(async () => {
    await keeper.stop();
    db.close();
  });
  return { db, keeper, list: (sql: string) => db.prepare<[], number>(sql).pluck().all() };
}

test('a room that is open for weeks does not cost its app the sessions that have ended', async (t) => {
  const { keeper, list } = setUp(t, { ended: 10 });
  await keeper.tidy();
  assert.deepEqual(list('SELECT count(*) FROM room_sessions'), [11]);
  assert.deepEqual(list('SELECT count(*) FROM room_stays'), [14]);
});

test('beyond the limit, the oldest ended sessions go first, then connections that are over of a running one', async (t) => {
  const some = setUp(t, { ended: 10, mostStays: 11 });
  await some.keeper.tidy();
  assert.deepEqual(some.list('SELECT id FROM room_sessions ORDER BY id'), [1, 103, 104, 105, 106, 107, 108, 109]);

  const { db, keeper, list } = setUp(t, { ended: 2, mostStays: 2 });
  await keeper.tidy();
  assert.deepEqual(list('SELECT id FROM room_sessions'), [1]);
  assert.deepEqual(list('SELECT id FROM room_stays ORDER BY id'), [1, 4]);
  // its figures are those of all its connections
  db.exec(`UPDATE room_sessions SET peak = 4, ended_at = ${NOW}, is_settled = 0`);
  keeper.changed('live');
  await until('its peak is counted', () => list('SELECT is_settled FROM room_sessions')[0] === 1);
  assert.deepEqual(list('SELECT peak FROM room_sessions'), [4]);
});
