import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { placeOf } from '#daemon/apps/storage/location.ts';
import { sharedDaemon } from '#test/helpers/daemon.ts';
import { installPlugin, providerCode } from '#test/helpers/plugins.ts';
import { addVods } from '#test/helpers/recordings.ts';

// Storages of plugins that have little in common with S3: no endpoint, one credential or none.

/** Takes the requests of the plugins, and refuses any other. */
const received: { credentials: unknown; mood: string }[] = [];
const store = createServer((request, response) => {
  const { authorization = '' } = request.headers;
  const isOurs = authorization.startsWith('Bearer ');
  if (isOurs) received.push(JSON.parse(authorization.slice('Bearer '.length)));
  response.writeHead(isOurs ? 204 : 403).end();
});
after(() => store.close());
let address = '';

/** A client that shows to the store what it was opened with. */
const open = (port: number) => `capabilities: { bulkDelete: true, presign: true, versions: false, multipart: false },
open: ({ credentials, settings: { mood } }) => {
  const headers = { authorization: 'Bearer ' + JSON.stringify({ credentials, mood }) };
  const ask = (method, key) => fetch('http://127.0.0.1:${port}/' + key, { method, headers });
  return {
    put: (key) => ask('PUT', key), get: () => { throw new StorageError(mood === 'north' && credentials.key !== 'k1' ? 'CREDENTIALS_REFUSED' : 'OBJECT_MISSING'); }, head: async () => null,
    list: async function* () {}, dispose() {},
    presignGet: (key) => 'http://127.0.0.1:${port}/' + key + '?mood=' + mood,
    deleteMany: async (keys) => { for (const key of keys) await ask('DELETE', key); return { deleted: keys.length, failed: [] }; },
  };
},`;

const daemon = sharedDaemon({}, async () => {
  await once(store.listen(0, '127.0.0.1'), 'listening');
  const { port } = store.address() as AddressInfo;
  address = `http://127.0.0.1:${port}`;
  const one = "credentials: [{ name: 'secret', title: 'Token', secret: true, required: true }],";
  const odd = 'normalise: (settings) => ({ ...settings, shelves: [1, 2] }),';
  const two = [
    { name: 'key', title: 'Key', secret: false, required: true },
    { name: 'secret', title: 'Secret', secret: true, required: true },
  ];
  const shelf = `credentials: ${JSON.stringify(two)},`;
  const strict = `settings: Type.Object({ bucket: Type.String({ default: '' }), account: Type.String({ title: 'Account' }),
    mode: Type.Union([Type.Literal('cold'), Type.Literal('warm')], { title: 'Mode', default: 'cold' }) }),`;
  const all = { shelf, secretive: one, trusting: 'credentials: [],', odd, strict };
  for (const [id, declared] of Object.entries(all))
    await installPlugin(daemon.dataDir, id, providerCode(id, declared + open(port)));
  await api.post('/plugins/reload');
});
const { api } = daemon;

let names = 0;
async function newApp(settings: object): Promise<string> {
  const app = `stored-${++names}`;
  assert.equal((await api.post('/apps', { name: app })).status, 201);
  await change(app, settings);
  return app;
}
async function change(app: string, settings: object): Promise<any> {
  const { status, body, text } = await api.put(`/apps/${app}/s3`, settings);
  assert.equal(status, 200, text);
  return body.data;
}

/** A recording in the storage of today, its place as the daemon writes it down. */
async function record(app: string): Promise<number> {
  const row = placeOf((await daemon.services.config.get(app)).s3);
  const { storage_provider, storage_bucket, storage_endpoint, storage_options } = row;
  const place = {
    provider: storage_provider ?? '',
    bucket: storage_bucket ?? '',
    endpoint: storage_endpoint ?? '',
    options: JSON.parse(storage_options ?? ''),
  };
  return addVods(daemon.dataDir, app, [{ key: 'film.mp4', place }])[0] as number;
}

/** What the store is shown when a recording is deleted. */
async function shownAtDeletion(app: string, id: number) {
  received.length = 0;
  const { status, text } = await api.delete(`/apps/${app}/vods/${id}`);
  assert.equal(status, 204, text);
  return received[0];
}
const shownFor = async (app: string) => (await shownAtDeletion(app, await record(app)))?.credentials;

test('a provider without an endpoint gets its own keys, and new ones take effect', async () => {
  const app = await newApp({
    provider: 'minio',
    endpoint: address,
    bucket: 'rec',
    key: 'minio-key',
    secret: 'minio-secret',
  });
  addVods(daemon.dataDir, app, [{ key: 'old.mp4', place: { provider: 'minio', bucket: 'rec', endpoint: address } }]);
  const first = { key: 'shelf-key', secret: 'shelf-secret' };
  const view = await change(app, { provider: 'shelf', ...first });
  assert.deepEqual([view.bucket, view.endpoint, view.region], ['rec', '', '']);
  assert.deepEqual([view.elsewhere[0].provider, view.elsewhere[0].credentials], ['minio', 'own']);
  assert.deepEqual(await shownFor(app), first);

  const second = { key: 'new-key', secret: 'new-secret' };
  await change(app, second);
  assert.deepEqual(await shownFor(app), second);

  const { region, endpoint } = await change(app, { provider: 'wasabi' });
  assert.deepEqual([region, endpoint], ['us-east-1', 'https://s3.us-east-1.wasabisys.com']);
});

test('a provider gets only the credentials that it declares', async () => {
  const app = await newApp({ provider: 'shelf', bucket: 'rec', key: 'shelf-key', secret: 'shelf-secret' });
  assert.deepEqual(await shownFor(app), { key: 'shelf-key', secret: 'shelf-secret' });
  await change(app, { provider: 'secretive', secret: 'token' });
  assert.deepEqual(await shownFor(app), { secret: 'token' });
  await change(app, { provider: 'trusting' });
  assert.deepEqual(await shownFor(app), {});
});

test('older recordings stay where the settings of their provider said', async () => {
  const app = await newApp({ provider: 'shelf', bucket: 'rec', options: { mood: 'north' }, key: 'k1', secret: 's1' });
  const [first, second, third] = [await record(app), await record(app), await record(app)];
  const view = await change(app, { options: { mood: 'south' }, key: 'k2', secret: 's2' });
  assert.deepEqual(
    view.elsewhere.map(({ options, recordings, credentials }: any) => [options, recordings, credentials]),
    [[{ mood: 'north' }, 3, 'own']],
  );
  assert.match((await api.get(`/apps/${app}/vods/${first}`)).body.url, /film\.mp4\?mood=north$/);
  assert.deepEqual(await shownAtDeletion(app, second), { credentials: { key: 'k1', secret: 's1' }, mood: 'north' });
  const now = await record(app);
  assert.deepEqual(await shownAtDeletion(app, now), { credentials: { key: 'k2', secret: 's2' }, mood: 'south' });

  await change(app, { provider: 'secretive', options: { mood: 'calm' }, secret: 'token' });
  assert.deepEqual(await shownAtDeletion(app, third), { credentials: { key: 'k1', secret: 's1' }, mood: 'north' });
  // as it was left by a version that didn't write options down
  const place = { provider: 'secretive', bucket: 'rec', endpoint: '' };
  const [old] = addVods(daemon.dataDir, app, [{ key: 'film.mp4', place }]);
  assert.equal((await shownAtDeletion(app, old as number))?.mood, 'calm');
});

test('a storage that needs one credential or none counts as configured, and gets links', async () => {
  const app = await newApp({ provider: 'shelf', bucket: 'rec' });
  const id = await record(app);
  assert.equal((await api.get(`/apps/${app}/s3`)).body.data.configured, false);
  const { url, urlProblem } = (await api.get(`/apps/${app}/vods/${id}`)).body;
  assert.equal(url, null);
  assert.match(urlProblem, /^No access key and secret are stored.* Enter the access key/);
  for (const settings of [{ provider: 'secretive', secret: 'token' }, { provider: 'trusting' }]) {
    const view = await change(app, settings);
    assert.equal(view.configured, true);
    const linked = (await api.get(`/apps/${app}/vods/${await record(app)}`)).body;
    assert.match(linked.url ?? linked.urlProblem, /film\.mp4\?mood=$/);
  }
});

test('an option that the provider doesn’t have is refused, not dropped', async () => {
  const app = await newApp({ provider: 'shelf', bucket: 'rec', options: { mood: 'calm' } });
  for (const options of [{ mod: 'wild' }, { bucket: 'other' }, { mood: 'wild', colour: 1 }]) {
    const { status, body } = await api.put(`/apps/${app}/s3`, { options });
    const [name = ''] = Object.keys(options).filter((one) => one !== 'mood');
    assert.deepEqual([status, body.code, body.details?.[0].path], [400, 'VALIDATION_FAILED', `body.options.${name}`]);
    assert.match(body.message, new RegExp(`options\\.${name} is not (?:a setting of shelf|an option: send bucket)`));
  }
  assert.deepEqual((await api.get(`/apps/${app}/s3`)).body.data.options, { mood: 'calm' });
});

test('a setting that is missing or not allowed is named, with the values that are', async () => {
  const app = await newApp({ provider: 'shelf', bucket: 'rec' });
  const refused = await api.put(`/apps/${app}/s3`, { provider: 'strict', options: { mode: 'hot' } });
  assert.deepEqual(refused.body.details, [
    { path: 'body.options.account', message: 'is required' },
    { path: 'body.options.mode', message: 'must be "cold" or "warm"' },
  ]);
});

test('settings that an app can’t keep are refused before anything is stored; what a config has of them is not shown', async () => {
  const app = await newApp({ provider: 'shelf', bucket: 'rec' });
  const refused = await api.put(`/apps/${app}/s3`, { provider: 'odd' });
  assert.deepEqual([refused.status, refused.body.code], [502, 'PLUGIN_FAILED'], refused.text);
  assert.match(refused.body.message, /its setting shelves got a value that is not a text, a number or a boolean/);
  const { provider, warnings } = (await api.get(`/apps/${app}/s3`)).body.data;
  assert.deepEqual([provider, warnings], ['shelf', []]);

  const { yaml } = (await api.get(`/apps/${app}/config/raw`)).body.data;
  const odd = yaml.replace(/^( {2}options:\n).*$/m, '$1    tags: [a, b]\n    note:\n    depth: 2');
  assert.notEqual(odd, yaml);
  const put = await api.put(`/apps/${app}/config/raw`, { yaml: odd });
  assert.equal(put.status, 200, put.text);
  const view = await api.get(`/apps/${app}/s3`);
  assert.equal(view.status, 200, view.text);
  assert.deepEqual(view.body.data.options, { depth: 2 });
  assert.match(view.body.data.warnings.join(), /options\.tags of the config .*options\.note of the config/);
});
