import assert from 'node:assert/strict';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { sharedDaemon } from '#test/helpers/daemon.ts';

describe('apps registry', () => {
  const daemon = sharedDaemon();

  test('a fresh daemon has the app live', async () => {
    const { status, body } = await daemon.api.get('/apps');
    assert.equal(status, 200);
    assert.deepEqual(
      body.map((app: { name: string }) => app.name),
      ['live'],
    );
    assert.equal(body[0].displayName, 'Live');
  });

  test('create answers 201 with the record and scaffolds the folder', async () => {
    const { status, body } = await daemon.api.post('/apps', { name: 'demo', displayName: 'Demo', roomPrefix: 'demo' });
    assert.equal(status, 201);
    assert.equal(body.name, 'demo');
    assert.equal(body.displayName, 'Demo');
    assert.equal(body.livekitRoomPrefix, 'demo');
    assert.equal(body.settingsJson, null);
    assert.match(body.createdAt, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.deepEqual(Object.keys(body).sort(), [
      'createdAt',
      'displayName',
      'id',
      'livekitRoomPrefix',
      'name',
      'settingsJson',
      'updatedAt',
    ]);
    const entries = await readdir(path.join(daemon.dataDir, 'apps/demo'));
    for (const entry of ['config.yaml', 'app.db', 'recordings', 'snapshots', 'samples'])
      assert.ok(entries.includes(entry), entry);
    const samples = await readdir(path.join(daemon.dataDir, 'apps/demo/samples'));
    assert.deepEqual(samples.sort(), ['embed.html', 'play.html', 'publish.html']);
    assert.equal((await stat(path.join(daemon.dataDir, 'apps/demo'))).mode & 0o077, 0);
  });

  test('display name and prefix default to the name; the prefix is lower-cased', async () => {
    const { body } = await daemon.api.post('/apps', { name: 'plain' });
    assert.equal(body.displayName, 'plain');
    assert.equal(body.livekitRoomPrefix, 'plain');
    const upper = await daemon.api.post('/apps', { name: 'upper', displayName: '   ', roomPrefix: '  UPPER-X ' });
    assert.equal(upper.body.livekitRoomPrefix, 'upper-x');
    assert.equal(upper.body.displayName, 'upper');
  });

  for (const [name, valid] of [
    ['ab', false],
    ['abc', true],
    ['a'.repeat(32), true],
    ['a'.repeat(33), false],
    ['-ab', false],
    ['ab-', false],
    ['Abc', false],
    ['a_b', false],
    ['a b', false],
    ['1-2', true],
    ['äbc', false],
    ['abc\n', false],
  ] as const) {
    test(`name ${JSON.stringify(name)} is ${valid ? 'accepted' : 'refused'}`, async () => {
      const { status, body } = await daemon.api.post('/apps', { name });
      assert.equal(status, valid ? 201 : 400);
      if (!valid) assert.equal(body.details[0].path, 'body.name');
    });
  }

  test('limits of the other fields, at their boundary', async () => {
    assert.equal((await daemon.api.post('/apps', { name: 'd100', displayName: 'x'.repeat(100) })).status, 201);
    assert.equal((await daemon.api.post('/apps', { name: 'd101', displayName: 'x'.repeat(101) })).status, 400);
    assert.equal((await daemon.api.post('/apps', { name: 'p40', roomPrefix: 'p'.repeat(40) })).status, 201);
    assert.equal((await daemon.api.post('/apps', { name: 'p41', roomPrefix: 'p'.repeat(41) })).status, 400);
    const bad = await daemon.api.post('/apps', { name: 'pbad', roomPrefix: 'a/b' });
    assert.equal(bad.status, 400);
    assert.match(bad.body.message, /roomPrefix/);
    assert.equal((await daemon.api.post('/apps', { name: 5 })).status, 400);
    assert.equal((await daemon.api.post('/apps', { name: 'nul', displayName: null })).status, 400);
    assert.equal((await daemon.api.post('/apps', {})).body.message, 'body.name is required');
    const extra = await daemon.api.post('/apps', { name: 'extra', tenant: 'x', s3: {} });
    assert.deepEqual([extra.status, extra.body.details.length], [400, 2], extra.text);
  });

  test('a taken name, prefix or credential slug is a conflict', async () => {
    await daemon.api.post('/apps', { name: 'taken-a', roomPrefix: 'taken-p' });
    const name = await daemon.api.post('/apps', { name: 'taken-a' });
    assert.equal(name.status, 409);
    assert.equal(name.body.code, 'APP_EXISTS');
    assert.equal(
      (await daemon.api.post('/apps', { name: 'other', roomPrefix: 'taken-p' })).body.code,
      'ROOM_PREFIX_TAKEN',
    );
    assert.equal((await daemon.api.post('/apps', { name: 'taken--a' })).body.code, 'APP_SLUG_TAKEN');
  });

  test('of many creates of one name at once exactly one succeeds', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => daemon.api.post('/apps', { name: 'race' })));
    const statuses = answers.map((a) => a.status).sort();
    assert.deepEqual(statuses, [201, ...Array(19).fill(409)]);
    assert.equal((await daemon.api.get('/apps/race')).status, 200);
    const left = (await readdir(path.join(daemon.dataDir, 'apps'))).filter((entry) => entry.startsWith('.new-'));
    assert.deepEqual(left, []);
  });

  test('a folder that exists already is refused and stays as it is', async () => {
    const dir = path.join(daemon.dataDir, 'apps/orphan');
    await mkdir(dir);
    await writeFile(path.join(dir, 'keep.txt'), 'mine');
    const { status, body } = await daemon.api.post('/apps', { name: 'orphan' });
    assert.equal(status, 409);
    assert.equal(body.code, 'APP_DIRECTORY_EXISTS');
    assert.deepEqual(await readdir(dir), ['keep.txt']);
  });

  test('get answers the record, and 404 for an unknown app', async () => {
    const { status, body } = await daemon.api.get('/apps/live');
    assert.equal(status, 200);
    assert.equal(body.name, 'live');
    const unknown = await daemon.api.get('/apps/nobody');
    assert.equal(unknown.status, 404);
    assert.equal(unknown.body.code, 'APP_NOT_FOUND');
    assert.equal((await daemon.api.get(`/apps/${'x'.repeat(400)}`)).status, 404);
    assert.equal((await daemon.api.get('/apps/..%2Flive')).status, 404);
  });

  test('the list is ordered by name', async () => {
    const names = (await daemon.api.get('/apps')).body.map((app: { name: string }) => app.name);
    assert.deepEqual(names, [...names].sort());
  });

  test('the sample pages are served without a credential, with the browser client they need', async () => {
    const api = daemon.api.as(null);
    for (const file of ['publish.html', 'play.html', 'embed.html']) {
      const { status, text, headers } = await api.get(`/samples/live/${file}`);
      assert.equal(status, 200);
      assert.match(headers.get('content-type') ?? '', /text\/html/);
      assert.match(text, /from '(?:\.\.\/){4}sdk\/livekit-client\.mjs'/);
    }
    assert.equal((await api.get('/samples/live/other.html')).body.code, 'SAMPLE_NOT_FOUND');
    assert.equal((await api.get('/samples/live/..%2Fconfig.yaml')).status, 400);
    assert.equal((await api.get('/samples/nobody/play.html')).status, 404);
    const sdk = await api.call('GET', '//sdk/livekit-client.mjs');
    assert.equal(sdk.status, 200);
    assert.match(sdk.text, /\bRoomEvent\b/);
  });

  test('sizes counts the database and the VOD rows', async () => {
    await daemon.api.post('/apps', { name: 'sized' });
    const empty = await daemon.api.get('/apps/sized/sizes');
    assert.equal(empty.status, 200);
    assert.equal(empty.body.error, null);
    assert.equal(empty.body.data.app, 'sized');
    assert.ok(empty.body.data.dbSizeBytes > 0);
    assert.deepEqual([empty.body.data.vodCount, empty.body.data.vodTotalBytes], [0, 0]);
    const insert = daemon.services.databases
      .get('sized')
      .prepare(
        "INSERT INTO vods (app_id, room, name, status, size_bytes, started_at) VALUES (1, 'r', 'n', ?, ?, '2026-01-01T00:00:00.000Z')",
      );
    insert.run('ready', 1000);
    insert.run('failed', null);
    const { body } = await daemon.api.get('/apps/sized/sizes');
    assert.deepEqual([body.data.vodCount, body.data.vodTotalBytes], [2, 1000]);
  });

  test('sizes of a broken database are zeros, not an error', async () => {
    await daemon.api.post('/apps', { name: 'broken' });
    await writeFile(
      path.join(daemon.dataDir, 'apps/broken/app.db'),
      'this is no database, but it has some length to it',
    );
    const { status, body } = await daemon.api.get('/apps/broken/sizes');
    assert.equal(status, 200);
    assert.deepEqual([body.data.vodCount, body.data.vodTotalBytes], [0, 0]);
  });
});
