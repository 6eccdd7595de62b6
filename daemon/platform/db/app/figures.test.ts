import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrate } from '../migrate.ts';
import { openDatabase } from '../open.ts';
import { appMigrations } from './index.ts';
import { recordedSeconds, STORED_BYTES } from './sums.ts';

const BEFORE = appMigrations.filter(({ id }) => id < 5);
const LARGEST = 2n ** 63n - 1n;

test('figures that an earlier version stored as LiveKit told them are repaired', (t) => {
  const db = openDatabase(':memory:');
  t.after(() => db.close());
  migrate(db, BEFORE);
  const add = db.prepare(
    `INSERT INTO vods (app_id, room, name, status, started_at, ended_at, duration_s, size_bytes, local_path)
     VALUES (1, 'r', ?, 'ready', '2026-01-01T00:00:00.000Z', ?, ?, ?, ?)`,
  );
  const minute = '2026-01-01T00:01:00.000Z';
  add.run('good', minute, 59.5, 1000, null);
  add.run('negative', minute, -1_795_910_236, -5, null);
  add.run('huge', null, 9.2e9, LARGEST, null);
  add.run('empty', minute, 60, 0, null);
  add.run('address', minute, 60, 7, 'https://s3.example.test/b/x.mp4');
  migrate(db, appMigrations);
  const rows = db
    .prepare('SELECT name, status, duration_s, size_bytes, storage_provider, s3_url, local_path FROM vods ORDER BY id')
    .raw()
    .all();
  assert.deepEqual(rows, [
    ['good', 'ready', 59.5, 1000, null, null, null],
    ['negative', 'ready', 60, null, null, null, null],
    ['huge', 'ready', null, null, null, null, null],
    ['empty', 'failed', 60, 0, null, null, null],
    ['address', 'ready', 60, 7, 'elsewhere', 'https://s3.example.test/b/x.mp4', null],
  ]);
});

test('a sum can’t be moved below nothing, or overflow', (t) => {
  const db = openDatabase(':memory:');
  t.after(() => db.close());
  migrate(db, appMigrations);
  const add = db.prepare(
    `INSERT INTO vods (app_id, room, name, status, started_at, duration_s, size_bytes)
     VALUES (1, 'r', 'n', 'ready', '2026-01-01T00:00:00.000Z', ?, ?)`,
  );
  const sums = () => db.prepare(`SELECT ${recordedSeconds()}, ${STORED_BYTES} FROM vods`).raw().get();
  assert.deepEqual(sums(), [0, 0]);
  add.run(10, 100);
  add.run(-1e12, -(2n ** 62n));
  add.run(null, null);
  assert.deepEqual(sums(), [10, 100]);
  for (let n = 0; n < 3; n++) add.run(1e12, LARGEST);
  assert.deepEqual(sums(), [10 + 3 * 2_678_400, 100 + 3 * 50e12]);
});
