import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { appMigrations } from '#daemon/platform/db/app/index.ts';
import { migrate } from '#daemon/platform/db/migrate.ts';
import { type Db, openDatabase } from '#daemon/platform/db/open.ts';
import { ObjectRows } from './object-rows.ts';
import { freshCheckpoint, type RowCursor } from './types.ts';

let db: Db;
beforeEach(() => {
  db = openDatabase(':memory:');
  migrate(db, appMigrations);
});
afterEach(() => db.close());

function vod(file: string | null, snapshot: string | null = null, bucket: string | null = null): number {
  const insert = db.prepare(
    `INSERT INTO vods (app_id, room, name, status, started_at, file_key, snapshot_key, storage_bucket)
     VALUES (1, 'live', 'v', 'ready', '2026-01-01T00:00:00.000Z', ?, ?, ?)`,
  );
  return Number(insert.run(file, snapshot, bucket).lastInsertRowid);
}

function variant(vodId: number, file: string | null, extra: string | null): number {
  const insert = db.prepare(
    "INSERT INTO vod_variants (vod_id, kind, file_key, extra_json, created_at) VALUES (?, 'rendition', ?, ?, '2026-01-01T00:00:00.000Z')",
  );
  return Number(insert.run(vodId, file, extra).lastInsertRowid);
}

function readAll(
  rows: ObjectRows,
  size: number,
): { keys: string[]; buckets: (string | null)[]; unreadable: string[]; pages: number } {
  let cursor: RowCursor = freshCheckpoint(0).cursor;
  const all = { keys: [] as string[], buckets: [] as (string | null)[], unreadable: [] as string[], pages: 0 };
  while (cursor.source !== 'end') {
    const page = rows.page(cursor, size);
    assert.ok(page.objects.length <= 2 * size, 'a page keeps to about its size');
    all.keys.push(...page.objects.map((object) => object.key));
    all.buckets.push(...page.objects.map((object) => object.place.storage_bucket));
    all.unreadable.push(...page.unreadable);
    all.pages += 1;
    assert.ok(all.pages < 1000, 'reading comes to an end');
    // as after a restart: the cursor went through JSON
    cursor = JSON.parse(JSON.stringify(page.cursor)) as RowCursor;
  }
  return all;
}

for (const size of [1, 2, 3, 7, 2000]) {
  test(`names every object once in pages of ${size}`, () => {
    const expected: string[] = [];
    for (let n = 0; n < 10; n++) {
      const id = vod(`v${n}.mp4`, n % 2 ? `v${n}.jpg` : null, n % 3 ? 'b1' : null);
      expected.push(`v${n}.mp4`, ...(n % 2 ? [`v${n}.jpg`] : []));
      const segments = Array.from({ length: n }, (_, s) => `v${n}/${s}.ts`);
      variant(
        id,
        n === 4 ? null : `v${n}/index.m3u8`,
        n === 5 ? null : JSON.stringify({ segmentKeys: segments, more: 1 }),
      );
      expected.push(...(n === 4 ? [] : [`v${n}/index.m3u8`]), ...(n === 5 ? [] : segments));
    }
    vod(null);
    vod('');
    variant(1, null, '{}');
    variant(1, null, '');
    variant(1, null, '{"segmentKeys":[]}');
    const rows = new ObjectRows(db, '/apps/live');
    const { keys, unreadable } = readAll(rows, size);
    assert.deepEqual(keys.sort(), expected.sort());
    assert.deepEqual(unreadable, []);
    assert.equal(rows.count(), expected.length);
  });
}

test('says with each object where it was put', () => {
  const id = vod('a.mp4', null, 'old-bucket');
  variant(id, 'a/index.m3u8', '{"segmentKeys":["a/0.ts"]}');
  vod('b.mp4');
  assert.deepEqual(readAll(new ObjectRows(db, '/apps/live'), 100).buckets, [
    'old-bucket',
    null,
    'old-bucket',
    'old-bucket',
  ]);
});

test('names rows whose segments cannot be read, and reads on', () => {
  const id = vod('a.mp4');
  variant(id, null, '{"segmentKeys": ["lost');
  variant(id, null, '{"segmentKeys": "one.ts"}');
  variant(id, null, '{"segmentKeys": ["kept.ts", 7, null, ""]}');
  const { keys, unreadable } = readAll(new ObjectRows(db, '/apps/live'), 2);
  assert.deepEqual(keys, ['a.mp4', 'kept.ts']);
  assert.deepEqual(unreadable, ['vod_variants/1/extra_json', 'vod_variants/2/extra_json']);
});

test('keeps to one VOD when told', () => {
  const first = vod('a.mp4', 'a.jpg');
  const second = vod('b.mp4');
  variant(first, 'a/index.m3u8', '{"segmentKeys":["a/0.ts"]}');
  variant(second, 'b/index.m3u8', '{"segmentKeys":["b/0.ts"]}');
  const rows = new ObjectRows(db, '/apps/live', second);
  assert.deepEqual(readAll(rows, 1).keys, ['b.mp4', 'b/index.m3u8', 'b/0.ts']);
  assert.equal(rows.count(), 3);
});

test('reads a list of fifty thousand segments', () => {
  const id = vod('a.mp4');
  variant(id, null, JSON.stringify({ segmentKeys: Array.from({ length: 50_000 }, (_, n) => `a/${n}.ts`) }));
  const { keys, pages } = readAll(new ObjectRows(db, '/apps/live'), 2000);
  assert.equal(new Set(keys).size, 50_001);
  assert.ok(pages >= 25);
});
