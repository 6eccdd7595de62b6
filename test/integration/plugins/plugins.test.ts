import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { BUILT_IN_PROVIDERS } from '#shared/config/schema.ts';
import { sharedDaemon } from '#test/helpers/daemon.ts';

const NIGHT_SHIFT = `id: night-shift
title: Night shift
description: Records everything in one small picture.
useCase: Guarding a place at night.
patch:
  recording: { enabled: true }
  name: taken-over
  hls: { list_size: 7 }
`;

describe('plugins', () => {
  const daemon = sharedDaemon();

  test('the built-in ones come through the same door and are listed first', async () => {
    const { status, body } = await daemon.api.get('/plugins');
    assert.equal(status, 200);
    const [presets, local, storage] = body.data;
    assert.deepEqual([presets.id, presets.origin, presets.state], ['presets', 'built-in', 'verified']);
    assert.deepEqual(
      presets.presets.map((preset: { id: string }) => preset.id),
      ['low-latency', 'high-quality-recording', 'mass-audience-HLS'],
    );
    assert.deepEqual([local.id, local.state], ['storage-local', 'running']);
    assert.match((await daemon.api.get('/plugins/storage-local')).body.data.documentation, /^# Local storage/);
    assert.deepEqual([storage.id, storage.state], ['storage-s3', 'running']);
    assert.deepEqual(
      storage.storageProviders.map((provider: { id: string }) => provider.id).sort(),
      BUILT_IN_PROVIDERS.filter((id) => id !== 'local').sort(),
    );
  });

  test('a preset file dropped into the folder of a running daemon is there after a reload, and applies', async () => {
    await writeFile(path.join(daemon.dataDir, 'plugins/night-shift.yaml'), NIGHT_SHIFT);
    assert.equal((await daemon.api.post('/apps/live/presets/night-shift/apply')).status, 404);
    const { status, body } = await daemon.api.post('/plugins/reload');
    assert.equal(status, 200);
    assert.ok(
      body.data.some(
        (plugin: { id: string; origin: string }) => plugin.id === 'night-shift' && plugin.origin === 'installed',
      ),
    );
    const list = await daemon.api.get('/apps/live/presets');
    assert.equal(list.body.data.at(-1).id, 'night-shift');
    const applied = await daemon.api.post('/apps/live/presets/night-shift/apply');
    assert.equal(applied.status, 200);
    assert.deepEqual(applied.body.data.changed, ['hls.list_size']);
    const { yaml } = (await daemon.api.get('/apps/live/config/raw')).body.data;
    assert.equal(parse(yaml).name, 'live', 'a protected key is never touched');
  });

  for (const [id, files, reason] of [
    ['not-json', { 'plugin.json': '{' }, /./],
    ['wrong-api', { 'plugin.json': JSON.stringify(manifest('wrong-api', { api: '^9.0.0' })) }, /\^9\.0\.0/],
    [
      'escapes',
      { 'plugin.json': JSON.stringify(manifest('escapes', { contributes: { presets: ['../../data/secrets.json'] } })) },
      /presets/,
    ],
  ] as const) {
    test(`a plugin that is ${id} fails with its reason, and the daemon goes on`, async (t) => {
      const dir = path.join(daemon.dataDir, 'plugins', id);
      t.after(() => rm(dir, { recursive: true }));
      await mkdir(dir);
      for (const [file, text] of Object.entries(files)) await writeFile(path.join(dir, file), text);
      const reload = daemon.api.post('/plugins/reload');
      assert.equal((await daemon.api.get('/health')).status, 200);
      assert.equal((await reload).status, 200);
      const { body } = await daemon.api.get(`/plugins/${id}`);
      assert.equal(body.data.state, 'failed');
      assert.match(body.data.reason, reason);
      assert.doesNotMatch(body.data.reason, /\/tmp\//, 'no path of the machine');
      assert.equal((await daemon.api.get('/storage/providers')).status, 200);
    });
  }

  test('an unknown plugin is 404, and other credentials see none', async () => {
    assert.equal((await daemon.api.get('/plugins/nothing')).body.code, 'PLUGIN_NOT_FOUND');
    const { body } = await daemon.api.post('/tokens', {
      name: 'x',
      scope: 'app',
      appId: (await daemon.api.get('/apps/live')).body.id,
    });
    assert.equal((await daemon.api.as(body.token).get('/plugins')).status, 403);
    assert.equal((await daemon.api.as(null).post('/plugins/reload')).status, 401);
  });
});

function manifest(id: string, more: object): object {
  return { id, version: '1.0.0', api: '^1.0.0', title: id, contributes: {}, ...more };
}
