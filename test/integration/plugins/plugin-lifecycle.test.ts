import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { type Client, daemonProcess, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { readEvents } from '#test/helpers/event-reader.ts';
import { installPlugin, providerCode } from '#test/helpers/plugins.ts';
import { until } from '#test/helpers/until.ts';

const PRESET = 'id: night\ntitle: Night\ndescription: At night.\nuseCase: Guards.\npatch:\n  hls: { list_size: 7 }\n';
const contributes = { presets: ['night.yaml'], storageProviders: [{ id: 'store', title: 'Store' }] };
const extra = { manifest: { contributes }, files: { 'night.yaml': PRESET } };

const plugin = async (api: Client, id: string) => (await api.get(`/plugins/${id}`)).body.data;
const presets = async (api: Client) =>
  (await api.get('/apps/live/presets')).body.data.map((one: { id: string }) => one.id) as string[];
const providers = async (api: Client) =>
  (await api.get('/storage/providers')).body.data.map((one: { id: string }) => one.id) as string[];

test('a plugin is disabled and enabled without a restart, and stays so over one', async (t) => {
  const dataDir = await temporaryDir(t);
  await installPlugin(dataDir, 'both', providerCode('store', ''), extra);
  let daemon = await testDaemon(t, {}, { dataDir });
  const events = await readEvents(t, daemon.url, daemon.token, { query: '?topics=plugins' });
  assert.deepEqual(
    [(await plugin(daemon.api, 'both')).enabled, (await providers(daemon.api)).includes('store')],
    [true, true],
  );
  const put = await daemon.api.put('/apps/live/s3', { provider: 'store', bucket: 'x', key: 'k', secret: 's' });
  assert.equal(put.status, 200, put.text);

  const off = await daemon.api.post('/plugins/both/disable');
  assert.deepEqual([off.status, off.body.data.state, off.body.data.enabled], [200, 'disabled', false]);
  assert.ok(Date.parse(off.body.data.since) <= Date.now());
  const said = await events.next('plugin.disabled');
  assert.equal(said.data.data.id, 'both');
  assert.equal((await presets(daemon.api)).includes('night'), false);
  assert.equal((await providers(daemon.api)).includes('store'), false);
  assert.equal((await daemon.api.post('/apps/live/presets/night/apply')).status, 404);
  const refused = await daemon.api.put('/apps/live/s3', { provider: 'store', bucket: 'y' });
  assert.deepEqual([refused.status, refused.body.code], [409, 'STORAGE_PROVIDER_UNAVAILABLE']);
  assert.match(refused.body.message, /plugin both is disabled/);
  assert.doesNotMatch((await daemon.api.put('/apps/live/s3', { provider: 'nope' })).body.message, /store/);
  // the app's config is as valid as before, and its other parts change
  const state = await daemon.api.get('/apps/live/config');
  assert.equal(state.status, 200);
  assert.equal((await daemon.api.patch('/apps/live/config', { hls: { list_size: 9 } })).status, 200);
  await daemon.stop();

  daemon = await testDaemon(t, {}, { dataDir });
  assert.equal((await plugin(daemon.api, 'both')).state, 'disabled');
  await daemon.api.post('/plugins/reload');
  assert.equal((await plugin(daemon.api, 'both')).state, 'disabled');
  assert.equal((await daemon.api.get('/apps/live/s3')).body.data.provider, 'store');

  const on = await daemon.api.post('/plugins/both/enable');
  assert.deepEqual([on.status, on.body.data.state], [200, 'running']);
  assert.ok((await presets(daemon.api)).includes('night'));
  assert.ok((await providers(daemon.api)).includes('store'));
  const audit = (await daemon.api.get('/audit')).body.data as { action: string }[];
  const actions = audit.map((entry) => entry.action).filter((action) => action.startsWith('plugin.'));
  assert.deepEqual(actions, ['plugin.enable', 'plugin.reload', 'plugin.disable']);
  assert.equal((await daemon.api.post('/plugins/nothing/disable')).status, 404);
});

test('a crash loop ends in quarantine, which outlives a restart and ends with enable', async (t) => {
  const dataDir = await temporaryDir(t);
  const folder = await installPlugin(dataDir, 'shaky', providerCode('shaky', 'open: () => process.exit(9),'));
  let daemon = await testDaemon(t, {}, { dataDir });
  const attempt = () => daemon.api.post('/apps/live/s3/test', { provider: 'shaky', bucket: 'x' });
  const { reason, since, crashes } = await until('it is quarantined', async () => {
    const { status, body, text } = await attempt();
    if (status === 409) {
      // it waits after a crash, or the last attempt was one too many
      assert.equal(body.code, 'STORAGE_PROVIDER_UNAVAILABLE', text);
      assert.match(
        body.message,
        /its plugin shaky (ended unexpectedly \(its code ended the process \(code 9\)\); it can start again in [1-4] s\.$|is quarantined: )/,
      );
    } else if (status === 502) {
      // it was asked about its settings while it was ending
      assert.equal(body.code, 'PLUGIN_FAILED', text);
      assert.match(body.message, /^The plugin shaky failed: /);
    } else {
      const failed = body.data.steps.find((step: { state: string }) => step.state === 'failed');
      assert.deepEqual([status, body.data.ok, failed?.code], [200, false, 'PLUGIN_FAILED'], text);
    }
    const view = await plugin(daemon.api, 'shaky');
    if (view.crashes > 0) assert.equal(view.lastFault.reason, 'its code ended the process (code 9)');
    return view.state === 'quarantined' && view;
  });
  assert.equal(crashes, 3);
  assert.match(reason, /crashed 3 times; the last time, its code ended the process \(code 9\)/);
  const refused = await attempt();
  assert.deepEqual([refused.status, refused.body.code], [409, 'STORAGE_PROVIDER_UNAVAILABLE']);
  assert.match(refused.body.message, /plugin shaky is quarantined/);
  await daemon.stop();

  daemon = await testDaemon(t, {}, { dataDir });
  const later = await plugin(daemon.api, 'shaky');
  assert.deepEqual([later.state, later.since, later.processes], ['quarantined', since, []]);
  const released = await daemon.api.post('/plugins/shaky/enable');
  assert.deepEqual([released.body.data.state, released.body.data.crashes], ['running', 0]);

  // mended by its author, it stays well
  await writeFile(path.join(folder, 'index.mjs'), providerCode('shaky', ''));
  await daemon.api.post('/plugins/reload');
  assert.equal((await attempt()).status, 200);
  assert.equal((await plugin(daemon.api, 'shaky')).crashes, 0);
});

test('with --safe only built-in plugins take part, and it is said', async (t) => {
  const dataDir = await temporaryDir(t);
  await installPlugin(dataDir, 'both', providerCode('store', ''), extra);
  const before = await testDaemon(t, {}, { dataDir });
  assert.equal((await before.api.put('/apps/live/s3', { provider: 'store', bucket: 'x' })).status, 200);
  await before.stop();
  const { api, stdout } = await daemonProcess(t, dataDir, {}, ['--safe']);
  assert.match(stdout(), /safe mode/);
  assert.equal((await api.get('/system/settings')).body.data.runtime.safeMode, true);
  const { state, reason, processes } = await plugin(api, 'both');
  assert.deepEqual([state, processes], ['disabled', []]);
  assert.match(reason, /--safe/);
  assert.equal((await presets(api)).includes('night'), false);
  assert.deepEqual(
    (await providers(api)).filter((id) => ['store', 'minio'].includes(id)),
    ['minio'],
  );
  // the app that uses it is shown as ever
  assert.equal((await api.get('/apps/live/s3')).body.data.provider, 'store');
  assert.equal((await api.get('/apps/live/config')).status, 200);
  const refused = await api.post('/plugins/both/enable');
  assert.deepEqual([refused.status, refused.body.code], [409, 'PLUGIN_SAFE_MODE']);
  assert.equal((await api.post('/plugins/reload')).status, 200);
  assert.equal((await plugin(api, 'both')).state, 'disabled');
});

test('packages that npm installed are plugins when they say so and were asked for', async (t) => {
  const daemon = await testDaemon(t);
  const root = path.join(daemon.dataDir, 'plugins');
  const add = async (name: string, json: object, files: Record<string, string>): Promise<void> => {
    const folder = path.join(root, 'node_modules', name);
    await mkdir(folder, { recursive: true });
    const all = { 'package.json': JSON.stringify({ name, version: '1.0.0', type: 'module', ...json }), ...files };
    for (const [file, text] of Object.entries(all)) await writeFile(path.join(folder, file), text);
  };
  const manifest = (id: string) =>
    JSON.stringify({
      id,
      version: '2.1.0',
      api: '^1.0.0',
      title: id,
      entry: 'index.js',
      contributes: { storageProviders: [{ id, title: id }] },
    });
  const keywords = ['streamhub-plugin'];
  await writeFile(
    path.join(root, 'package.json'),
    JSON.stringify({ dependencies: { '@me/store': '^2.0.0', plain: '1' } }),
  );
  const uses =
    "import { name } from 'helper'; import fs from 'node:fs'; let spied = 'no'; try { spied = fs.readFileSync(new URL('../../other/index.js', import.meta.url), 'utf8'); } catch {}";
  await add(
    '@me/store',
    { keywords, dependencies: { helper: '1' } },
    {
      'plugin.json': manifest('me-store'),
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code of the plugin
      'index.js': providerCode('me-store', 'settings: Type.Object({}, { description: `${name} ${spied}` }),', uses),
    },
  );
  await add('helper', { exports: './index.js', dependencies: {} }, { 'index.js': "export const name = 'helped';" });
  await add('other', { keywords }, { 'plugin.json': manifest('other'), 'index.js': providerCode('other', '') });
  await add('plain', {}, { 'plugin.json': manifest('plain'), 'index.js': providerCode('plain', '') });
  const { body } = await daemon.api.post('/plugins/reload');
  const found = body.data.filter((one: { origin: string }) => one.origin !== 'built-in');
  assert.deepEqual(
    found.map((one: { id: string; origin: string; version: string; state: string; reason: string }) => [
      one.id,
      one.origin,
      one.version,
      one.state,
      one.reason,
    ]),
    [['me-store', 'npm', '2.1.0', 'running', null]],
  );
  const form = (await daemon.api.get('/storage/providers')).body.data.find(
    (one: { id: string }) => one.id === 'me-store',
  );
  assert.equal(form.settings.description, 'helped no', 'it reads what it depends on, and no other package');
  await rm(path.join(root, 'node_modules'), { recursive: true });
  await daemon.api.post('/plugins/reload');
  assert.equal((await daemon.api.get('/plugins/me-store')).status, 404);
});
