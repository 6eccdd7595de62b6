import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { parse } from 'yaml';
import { temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { addVods } from '#test/helpers/recordings.ts';
import { s3Gate } from '#test/helpers/s3-gate.ts';
import { startS3Server } from '#test/helpers/s3-server.ts';
import { until } from '#test/helpers/until.ts';

const ENTRY = `
import { definePlugin, defineStorageProvider, Type } from 'streamhub/plugin-sdk';
import { openS3, s3Credentials } from 'streamhub/plugin-sdk/s3';

const settings = Type.Object({
  bucket: Type.String({ title: 'Bucket', default: '' }),
  port: Type.Integer({ title: 'Port', default: 0, minimum: 0, maximum: 65535 }),
});
const endpoint = ({ port }: { port: number }) => \`http://127.0.0.1:\${port}\`;

export default definePlugin({
  storageProviders: [
    defineStorageProvider({
      id: 'local-ceph',
      settings,
      credentials: s3Credentials,
      maxDeleteBatch: 2,
      capabilities: { bulkDelete: true, presign: true, versions: true, multipart: true },
      validate: ({ port }) => (port === 1 ? [{ path: 'port', message: 'is for the superuser', severity: 'error' }] : []),
      endpoint,
      open: (context) => {
        const s3 = { bucket: context.settings.bucket, region: 'us-east-1', endpoint: endpoint(context.settings), forcePathStyle: true };
        return openS3({ ...context, settings: s3 });
      },
    }),
  ],
});
`;

/** Puts the plugin into a daemon's folder. */
async function install(dataDir: string): Promise<void> {
  const dir = path.join(dataDir, 'plugins', 'ceph');
  await mkdir(dir, { recursive: true });
  await writeFile(path.join(dir, 'index.ts'), ENTRY);
  const contributes = { storageProviders: [{ id: 'local-ceph', title: 'Ceph of this machine' }] };
  await writeFile(
    path.join(dir, 'plugin.json'),
    JSON.stringify({ id: 'ceph', version: '1.0.0', api: '^1.0.0', title: 'Ceph', entry: 'index.ts', contributes }),
  );
}

const s3 = startS3Server();
if (typeof s3 !== 'string') after(() => s3.stop());

test('a provider of an installed plugin: form, settings, test, purge', {
  skip: typeof s3 === 'string' ? s3 : false,
}, async (t) => {
  assert.ok(typeof s3 !== 'string');
  const dataDir = await temporaryDir(t);
  let daemon = await testDaemon(t, {}, { dataDir });
  // it runs already when the plugin comes
  assert.equal((await daemon.api.put('/apps/live/s3', { provider: 'local-ceph' })).status, 400);
  await install(dataDir);
  const found = await daemon.api.post('/plugins/reload');
  assert.equal(found.body.data.find((one: { id: string }) => one.id === 'ceph')?.state, 'running', found.text);
  const put = (body: object) => daemon.api.put('/apps/live/s3', body);

  const form = (await daemon.api.get('/storage/providers')).body.data.find(
    (entry: { id: string }) => entry.id === 'local-ceph',
  );
  assert.deepEqual(Object.keys(form.settings.properties), ['bucket', 'port']);
  assert.match((await put({ provider: 'nope' })).body.message, /local-ceph/);

  const refused = await put({ provider: 'local-ceph', options: { port: 1 } });
  assert.deepEqual(
    [refused.status, refused.body.details],
    [400, [{ path: 'body.options.port', message: 'is for the superuser' }]],
  );
  const wrong = await put({ provider: 'local-ceph', options: { port: 'x' } });
  assert.deepEqual([wrong.status, wrong.body.details[0].path], [400, 'body.options.port']);

  const bucket = await s3.bucket();
  const port = Number(new URL(s3.endpoint).port);
  const stored = await put({ provider: 'local-ceph', bucket, options: { port }, key: s3.key, secret: s3.secret });
  assert.equal(stored.status, 200, stored.text);
  assert.deepEqual([stored.body.data.provider, stored.body.data.options], ['local-ceph', { port }]);
  const config = parse(await readFile(path.join(dataDir, 'apps/live/config.yaml'), 'utf8'));
  assert.deepEqual([config.s3.provider, config.s3.options], ['local-ceph', { port }]);
  const tried = await daemon.api.post('/apps/live/s3/test');
  assert.equal(tried.body.data.ok, true, tried.text);

  // the config is valid after a restart too
  await daemon.stop();
  daemon = await testDaemon(t, {}, { dataDir });
  assert.equal((await daemon.api.get('/apps/live/s3')).body.data.provider, 'local-ceph');

  const keys = Array.from({ length: 7 }, (_, n) => `${n}.mp4`);
  await s3.put(bucket, [...keys, 'streamhub/live/snapshots/x.jpg']);
  addVods(
    dataDir,
    'live',
    keys.map((key) => ({ key })),
  );
  // without its plugin: an alarm, while the config still names it
  const alarms = async (): Promise<any[]> =>
    ((await daemon.api.get('/apps/live')).body.problems ?? []).filter(
      (one: any) => one.code === 'STORAGE_PROVIDER_MISSING',
    );
  assert.deepEqual(await alarms(), []);
  assert.equal((await daemon.api.call('POST', '/plugins/ceph/disable')).status, 200);
  const [alarm] = await until('the alarm is there', async () => {
    const found = await alarms();
    return found.length > 0 ? found : undefined;
  });
  assert.match(alarm.message, /local-ceph.*is disabled.*Nothing is recorded/);
  assert.equal((await daemon.api.call('POST', '/plugins/ceph/enable')).status, 200);
  await until('the alarm is over', async () => (await alarms()).length === 0);

  const gone = await daemon.api.delete('/apps/live?deleteVods=true');
  assert.equal(gone.status, 200, gone.text);
  assert.deepEqual(await s3.keys(bucket), []);
});

test('leaving a plugin’s provider takes its options along', {
  skip: typeof s3 === 'string' ? s3 : false,
}, async (t) => {
  const dataDir = await temporaryDir(t);
  await install(dataDir);
  const daemon = await testDaemon(t, {}, { dataDir });
  assert.equal(
    (await daemon.api.put('/apps/live/s3', { provider: 'local-ceph', options: { port: 4000 } })).status,
    200,
  );
  const { body } = await daemon.api.put('/apps/live/s3', { provider: 'minio', endpoint: 'http://127.0.0.1:9000' });
  assert.deepEqual([body.data.provider, body.data.options], ['minio', {}]);
});

/** Writes down which version of the code deletes: an object `by-<version>` is made with every batch. */
const VERSIONED = ENTRY.replace(
  "import { openS3, s3Credentials } from 'streamhub/plugin-sdk/s3';",
  "import { openS3, s3Credentials } from 'streamhub/plugin-sdk/s3';\nimport { VERSION } from './version.mjs';",
)
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code of the plugin
  .replace("id: 'local-ceph',", "id: 'local-ceph',\n      docsUrl: `https://ceph.example/${VERSION}`,")
  .replace('open: (context) => {', 'open: async (context) => {')
  .replace(
    'return openS3({ ...context, settings: s3 });',
    `const client = await openS3({ ...context, settings: s3 });
        const remove = client.deleteMany.bind(client);
        client.deleteMany = async (keys, options) => {
          if (!keys[0]?.includes('.streamhub-test-')) await client.put(\`by-\${VERSION}\`, 'x');
          return remove(keys, options);
        };
        return client;`,
  );

test('a reload under load drops nothing: what began ends with the old code, what comes gets the new', {
  skip: typeof s3 === 'string' ? s3 : false,
}, async (t) => {
  assert.ok(typeof s3 !== 'string');
  const dataDir = await temporaryDir(t);
  const daemon = await testDaemon(t, {}, { dataDir });
  const { api } = daemon;
  const release = async (version: string) => {
    await install(dataDir);
    const folder = path.join(dataDir, 'plugins', 'ceph');
    await writeFile(path.join(folder, 'index.ts'), VERSIONED);
    await writeFile(path.join(folder, 'version.mjs'), `export const VERSION = '${version}';`);
    const { status, body } = await api.post('/plugins/reload');
    assert.equal(status, 200);
    assert.equal(body.data.find((one: { id: string }) => one.id === 'ceph')?.state, 'running');
  };
  await release('one');
  // each batch of the long purge waits here
  const gate = await s3Gate(t, s3.endpoint);
  const give = async (app: string, { endpoint }: { endpoint: string } = s3) => {
    await api.post('/apps', { name: app });
    const bucket = await s3.bucket();
    const port = Number(new URL(endpoint).port);
    const body = { provider: 'local-ceph', bucket, options: { port }, key: s3.key, secret: s3.secret };
    assert.equal((await api.put(`/apps/${app}/s3`, body)).status, 200);
    return bucket;
  };
  const fill = async (app: string, bucket: string, count: number) => {
    const keys = Array.from({ length: count }, (_, n) => `${n}.mp4`);
    await s3.put(bucket, keys);
    addVods(
      dataDir,
      app,
      keys.map((key) => ({ key })),
    );
  };
  const first = await give('first', gate);
  const second = await give('second');
  await give('steady');
  await fill('first', first, 8);
  await fill('second', second, 4);

  let isPurging = true;
  const purge = api.delete('/apps/first?deleteVods=true').finally(() => {
    isPurging = false;
  });
  // it has begun once the first batch has left its mark
  while (!(await s3.keys(first, 'by-')).includes('by-one')) assert.ok(isPurging);
  let asked = 0;
  let isLoaded = true;
  const ask = async () => {
    for (; isLoaded; asked++) {
      const tried = await api.post('/apps/steady/s3/test');
      assert.equal(tried.body.data?.ok, true, tried.text);
      const form = await api.get('/storage/providers');
      assert.ok(form.body.data.some((one: { id: string }) => one.id === 'local-ceph'));
    }
  };
  const load = Promise.all([ask(), ask(), ask()]);
  for (const version of ['two', 'three']) await release(version);
  isLoaded = false;
  await load;
  assert.ok(isPurging);
  gate.open();
  assert.ok(asked >= 3);
  const gone = await purge;
  assert.equal(gone.status, 200, gone.text);
  assert.deepEqual(await s3.keys(first), ['by-one'], 'the whole purge ran with the code that it began with');
  assert.equal((await api.delete('/apps/second?deleteVods=true')).status, 200);
  assert.deepEqual(await s3.keys(second), ['by-three']);
  const { title, docsUrl } = (await api.get('/storage/providers')).body.data.find(
    (one: { id: string }) => one.id === 'local-ceph',
  );
  assert.equal(title, 'Ceph of this machine', 'from the manifest');
  assert.equal(docsUrl, 'https://ceph.example/three', 'a file beside the entry is imported again');
  const { crashes, processes } = (await api.get('/plugins/ceph')).body.data;
  assert.equal(crashes, 0);
  assert.deepEqual(
    processes.filter((one: { state: string }) => one.state === 'stopping'),
    [],
  );
});
