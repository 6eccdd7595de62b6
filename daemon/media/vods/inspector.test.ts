import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appMigrations } from '#daemon/platform/db/app/index.ts';
import { migrate } from '#daemon/platform/db/migrate.ts';
import { openDatabase } from '#daemon/platform/db/open.ts';
import { servicePrefixes } from './inspector.ts';
import type { VodRecord } from './repository.ts';

test('a prefix of an egress service is known from other recordings in the same bucket', (t) => {
  const db = openDatabase(':memory:');
  t.after(() => db.close());
  migrate(db, appMigrations);
  const add = (name: string, bucket: string, key: string | null, playlist?: string) => {
    const { lastInsertRowid } = db
      .prepare(
        `INSERT INTO vods (app_id, room, name, status, started_at, storage_bucket, file_key)
         VALUES (1, 'r', ?, 'ready', '2026-01-01T00:00:00.000Z', ?, ?)`,
      )
      .run(name, bucket, key);
    if (playlist !== undefined) {
      db.prepare("INSERT INTO vod_variants (vod_id, kind, file_key, created_at) VALUES (?, 'master', ?, '')").run(
        lastInsertRowid,
        playlist,
      );
    }
  };
  const lost = { name: 'c.m3u8', storage_bucket: 'films', file_key: 'p/c/c.m3u8' } as VodRecord;
  assert.deepEqual(servicePrefixes(db, lost), []);
  add('a.mp4', 'films', 'p/a.mp4');
  add('x.mp4', 'films', 'other/x.mp4');
  add('y.mp4', 'attic', 'wrong/p/y.mp4');
  assert.deepEqual(servicePrefixes(db, lost), []);
  add('b.m3u8', 'films', null, 'own/service/p/b/b.m3u8');
  add('d.mp4', 'films', 'older/p/d.mp4');
  assert.deepEqual(servicePrefixes(db, lost).sort(), ['older/', 'own/service/']);
});
