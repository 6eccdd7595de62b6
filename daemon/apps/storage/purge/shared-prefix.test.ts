import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { appMigrations } from '#daemon/platform/db/app/index.ts';
import { migrate } from '#daemon/platform/db/migrate.ts';
import { openDatabase } from '#daemon/platform/db/open.ts';
import { findSharingApp } from './shared-prefix.ts';

let root: string;
let folders: { apps: string; archive: string };
beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'streamhub-shared-'));
  folders = { apps: path.join(root, 'apps'), archive: path.join(root, 'archive') };
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function config(folder: string, text: string): Promise<void> {
  await mkdir(path.join(root, folder), { recursive: true });
  await writeFile(path.join(root, folder, 'config.yaml'), text);
}
const s3 = (bucket: string, prefix: string) => `s3:\n  bucket: ${bucket}\n  prefix: ${prefix}\n`;
const ask = (prefix = 'shared/place', bucket = 'b') =>
  findSharingApp({ app: 'mine', bucket, prefix, below: 'snapshots/', folders });
const askAll = (prefix = 'shared/place') => findSharingApp({ app: 'mine', bucket: 'b', prefix, below: '', folders });

test('nobody, with no other app', async () => {
  assert.equal(await ask(), undefined);
  await config('apps/mine', s3('b', 'shared/place'));
  assert.equal(await ask(), undefined);
});

const sharing: [name: string, text: string, prefix?: string][] = [
  ['the same prefix', s3('b', 'shared/place')],
  ['the same prefix with edge slashes', s3('b', '/shared/place/')],
  ['the same prefix in escapes', s3('b', '"shared\\x2fplace"')],
  ['a prefix below the snapshots', s3('b', 'shared/place/snapshots/deep')],
  ['a prefix that makes ours part of its snapshots', s3('b', 'shared'), 'shared/snapshots/place'],
  ['a text that cannot be read but mentions it', 's3: [\n  shared/place'],
];
for (const [name, text, prefix] of sharing) {
  test(`another app with ${name}`, async () => {
    await config('apps/other', text);
    assert.equal(await ask(prefix), 'the app other');
  });
}

const apart: [name: string, text: string][] = [
  ['another bucket', s3('c', 'shared/place')],
  ['a longer prefix', s3('b', 'shared/placement')],
  ['a prefix above', s3('b', 'shared')],
  ['a prefix beside the snapshots', s3('b', 'shared/place/recordings')],
  ['no storage', 'name: other\n'],
];
for (const [name, text] of apart) {
  test(`not an app with ${name}`, async () => {
    await config('apps/other', text);
    assert.equal(await ask(), undefined);
  });
}

const meeting: [name: string, text: string][] = [
  ['a prefix above', s3('b', 'shared')],
  ['a prefix above, in one line', "s3: {bucket: b, 'prefix': shared}"],
  ['a prefix below', s3('b', 'shared/place/recordings')],
  ['no prefix', s3('b', '""')],
];
for (const [name, text] of meeting) {
  test(`of all below the prefix, another app with ${name}`, async () => {
    await config('apps/other', text);
    assert.equal(await askAll(), 'the app other');
  });
}

test('of all below the prefix, not an app beside it', async () => {
  await config('apps/other', s3('b', 'shared/placement'));
  await config('apps/third', 's3:\n  bucket: b\n');
  assert.equal(await askAll(), undefined);
  assert.equal(await askAll('streamhub/third'), 'the app third');
});

test('an app whose config leaves the prefix at its default', async () => {
  await config('apps/other', 's3:\n  bucket: b\n');
  assert.equal(await ask('streamhub/other'), 'the app other');
  assert.equal(await ask('streamhub/else'), undefined);
});

test('an app that was deleted without its recordings', async () => {
  await config('archive/mine-20260101T000000000Z', s3('b', 'shared/place'));
  assert.equal(await ask(), 'the archived app mine-20260101T000000000Z');
});

test('a folder without a config is nobody', async () => {
  await mkdir(path.join(folders.apps, 'empty'), { recursive: true });
  assert.equal(await ask(), undefined);
});

const place = `'s3', 'b'`;
const recordings: [name: string, sql: string][] = [
  [
    'a file',
    `INSERT INTO vods (app_id, room, name, status, started_at, storage_provider, storage_bucket, file_key)
    VALUES (1, 'r', 'v', 'ready', '2026-01-01', ${place}, 'shared/place/v.mp4')`,
  ],
  [
    'a picture',
    `INSERT INTO vods (app_id, room, name, status, started_at, storage_provider, storage_bucket, snapshot_prefix)
    VALUES (1, 'r', 'v', 'recording', '2026-01-01', ${place}, 'shared/place/snapshots/v')`,
  ],
  [
    'a playlist',
    `INSERT INTO vods (app_id, room, name, status, started_at, storage_provider, storage_bucket)
    VALUES (1, 'r', 'v', 'ready', '2026-01-01', ${place});
    INSERT INTO vod_variants (vod_id, kind, file_key, created_at) VALUES (1, 'master', 'shared/place/v/v.m3u8', '2026-01-01')`,
  ],
  [
    'live HLS',
    `INSERT INTO live_hls (stream_id, room, identity, folder, is_automatic, plan_json, started_at, storage_provider, storage_bucket)
    VALUES ('s', 'r', 'i', 'shared/place/hls/r', 0, '{}', '2026-01-01', ${place})`,
  ],
];
for (const [name, sql] of recordings) {
  test(`an app that records elsewhere now, with ${name} of before below the prefix`, async () => {
    await config('archive/other-20260101T000000000Z', s3('c', 'elsewhere'));
    const file = path.join(folders.archive, 'other-20260101T000000000Z/app.db');
    const db = openDatabase(file);
    migrate(db, appMigrations);
    assert.equal(await ask(), undefined);
    db.exec(sql);
    db.close();
    assert.equal(await ask(), 'the archived app other-20260101T000000000Z');
    assert.deepEqual([await ask('shared/pl'), await ask('shared/place', 'c')], [undefined, undefined]);
    // a database that can't be read
    const bytes = await readFile(file);
    await writeFile(file, bytes.fill(0, 0, 100));
    assert.equal(await ask(), 'the archived app other-20260101T000000000Z');
    assert.equal(await ask('other'), undefined);
  });
}
