import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrate } from '../migrate.ts';
import { openDatabase } from '../open.ts';
import { appMigrations } from './index.ts';

const BEFORE = appMigrations.filter(({ id }) => id < 6);

test('recordings keep their ids and variants, and an id is never used again', (t) => {
  const db = openDatabase(':memory:');
  t.after(() => db.close());
  migrate(db, BEFORE);
  const add = (id: number | null, more: Record<string, string> = {}) => {
    const names = ['id', 'app_id', 'room', 'name', 'status', 'started_at', ...Object.keys(more)];
    const values = [id, 1, 'r', 'n', 'ready', '2026-01-01T00:00:00.000Z', ...Object.values(more)];
    return db.prepare(`INSERT INTO vods (${names}) VALUES (${names.map(() => '?')})`).run(...values).lastInsertRowid;
  };
  add(3);
  add(7, {
    storage_provider: 'local',
    snapshot_key: '/var/lib/streamhub/apps/live/snapshots/film_00001.jpeg',
    snapshot_prefix: '/var/lib/streamhub/apps/live/snapshots/film',
  });
  db.prepare("INSERT INTO vod_variants (vod_id, kind, created_at) VALUES (7, 'master', '')").run();
  const variant = db.prepare(
    "INSERT INTO vod_variants (vod_id, kind, size_bytes, extra_json, created_at) VALUES (3, 'rendition', ?, ?, '')",
  );
  for (const [bytes, extra] of [
    [500, '{"segmentKeys":["a.ts"]}'],
    [40, '{"ladder":true}'],
    [2, '{"ladder":true,"segmentKeys":[]}'],
    [900, 'damaged'],
  ])
    variant.run(bytes, extra);
  migrate(db, appMigrations);
  assert.deepEqual(db.prepare('SELECT id, snapshot_key, snapshot_prefix, ladder_bytes FROM vods').raw().all(), [
    [3, null, null, 42],
    [7, 'snapshots/film_00001.jpeg', 'snapshots/film', null],
  ]);
  assert.deepEqual(db.pragma('foreign_key_check'), []);
  db.prepare('DELETE FROM vods WHERE id = 7').run();
  assert.equal(db.prepare('SELECT count(*) FROM vod_variants WHERE vod_id = 7').pluck().get(), 0);
  assert.equal(add(null), 8);
  assert.equal(db.prepare('UPDATE vods SET status = ? WHERE id = 8').run('cancelled').changes, 1);
});
