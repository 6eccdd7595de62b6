import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appMigrations } from '#daemon/platform/db/app/index.ts';
import { migrate } from '#daemon/platform/db/migrate.ts';
import { openDatabase } from '#daemon/platform/db/open.ts';
import { vodRepository } from './repository.ts';
import { isUnrecovered, recoverVod } from './vod-facts.ts';

const NONE = { facts: undefined, segments: undefined, prefix: '', pictures: null, isAway: false };

/** A recording that runs, in the app's folder or in a bucket. */
function recording(t: { after(fn: () => unknown): void }, columns: { format: string; file: string; local?: boolean }) {
  const db = openDatabase(':memory:');
  t.after(() => db.close());
  migrate(db, appMigrations);
  const { lastInsertRowid } = db
    .prepare(
      `INSERT INTO vods (app_id, room, name, status, started_at, format, ${columns.local ? 'local_path' : 'file_key'}, snapshot_prefix)
       VALUES (1, 'live-stage', 'film', 'recording', '2026-01-01T00:00:00.000Z', ?, ?, 'p/snapshots/film')`,
    )
    .run(columns.format, columns.file);
  const id = Number(lastInsertRowid);
  return { db, id, row: () => vodRepository(db).get(id)!, variants: () => vodRepository(db).variants(id) };
}

test('the part of a file that a lost recording left in the folder stays named, beside its pictures', (t) => {
  const { db, id, row } = recording(t, { format: 'mp4', file: 'recordings/film.mp4', local: true });
  recoverVod(db, id, { ...NONE, pictures: 2 }, 'lost', 0);
  assert.deepEqual([row().status, row().local_path, row().snapshot_count], ['failed', 'recordings/film.mp4', 2]);
});

test('segments without a playlist are named for the deletion, and not looked for again', (t) => {
  const { db, id, row, variants } = recording(t, { format: 'hls', file: 'p/film.m3u8' });
  recoverVod(db, id, { ...NONE, prefix: 'service/', isAway: true }, 'lost', 0);
  assert.deepEqual([row().status, row().file_key, isUnrecovered(row())], ['failed', 'service/p/film.m3u8', true]);
  recoverVod(db, id, { ...NONE, segments: { keys: ['service/p/film_00000.ts'], bytes: 1 } }, 'lost', 0);
  assert.deepEqual([row().status, row().file_key, isUnrecovered(row())], ['failed', null, false]);
  assert.match(variants()[0]?.extra_json ?? '', /film_00000\.ts/);
});
