import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, beforeEach, test } from 'node:test';
import { migrate } from '#daemon/platform/db/migrate.ts';
import { openDatabase } from '#daemon/platform/db/open.ts';
import { registryMigrations } from '#daemon/platform/db/registry/index.ts';
import { EventBus } from '#daemon/platform/events/bus.ts';
import { WorkerPool } from '#daemon/platform/workers/pool.ts';
import { BUILT_IN_PROVIDERS } from '#shared/config/schema.ts';
import { ApiError } from '#shared/errors.ts';
import { testBackground } from '#test/helpers/background.ts';
import { pluginRepository } from './repository.ts';
import { PluginService } from './service.ts';

const BUILT_IN = path.resolve(import.meta.dirname, '../../plugins');
const pool = new WorkerPool();
after(() => pool.close());

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'streamhub-plugins-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const db = openDatabase(':memory:');
migrate(db, registryMigrations);
const started: PluginService[] = [];
afterEach(async () => {
  for (const one of started.splice(0)) await one.stop();
});

const service = (info: (fields: object, line: string) => void = () => {}) => {
  const made = new PluginService({
    background: testBackground(),

    pool,
    roots: [
      { dir: BUILT_IN, origin: 'built-in' },
      { dir, origin: 'installed' },
    ],
    repository: pluginRepository(db),
    events: new EventBus(() => {}),
    policy: { denyPrivate: false },
    limits: { memoryMb: 256, loadSeconds: 60, callSeconds: 60, idleSeconds: 60, sandbox: 'auto' },
    isSafeMode: false,
    log: { error() {}, warn() {}, info },
  });
  started.push(made);
  return made;
};

async function install(entry: string, title = 'My store'): Promise<void> {
  await mkdir(path.join(dir, 'mine'), { recursive: true });
  const storageProviders = [{ id: 'mystore', title, description: 'Says the manifest.' }];
  const manifest = {
    id: 'mine',
    version: '0.1.0',
    api: '^1.0.0',
    title: 'Mine',
    entry: 'index.ts',
    contributes: { storageProviders },
  };
  await writeFile(path.join(dir, 'mine', 'plugin.json'), JSON.stringify(manifest));
  await writeFile(path.join(dir, 'mine', 'index.ts'), entry);
}

const PROVIDER = `
import { defineStorageProvider, definePlugin, Type } from 'streamhub/plugin-sdk';
import { openS3, s3Credentials } from 'streamhub/plugin-sdk/s3';
const settings = Type.Object({ account: Type.String({ title: 'Account', default: '' }) });
export default definePlugin({ storageProviders: [defineStorageProvider({
  id: 'mystore', title: 'Of an older plugin', description: 'Says the code.', settings, credentials: s3Credentials, maxDeleteBatch: 100,
  capabilities: { bulkDelete: true, presign: true, versions: false, multipart: true },
  open: (context) => openS3(context as never),
})] });`;

test('the built-in providers describe themselves as data', async () => {
  const plugins = service();
  const providers = await plugins.providers();
  assert.deepEqual(providers.map((provider) => provider.id).sort(), [...BUILT_IN_PROVIDERS].sort());
  const minio = providers.find((provider) => provider.id === 'minio');
  assert.equal(minio?.plugin, 'storage-s3');
  assert.deepEqual(Object.keys((minio as { settings: { properties?: object } }).settings.properties ?? {}), [
    'bucket',
    'region',
    'endpoint',
    'forcePathStyle',
  ]);
  assert.equal((await plugins.view('storage-s3')).state, 'running');
});

test('a plugin of the data folder imports the SDK by name and joins the providers', async () => {
  await install(PROVIDER);
  const plugins = service();
  assert.deepEqual([...(await plugins.providerIds())].sort(), [...BUILT_IN_PROVIDERS, 'mystore'].sort());
  const mine = (await plugins.providers()).find((provider) => provider.id === 'mystore');
  assert.equal(mine?.pluginVersion, '0.1.0');
  assert.deepEqual([mine?.title, mine?.description], ['My store', 'Says the manifest.']);
  assert.match((await plugins.provider('mystore')).entry, /^file:.*index\.ts$/);
});

test('an unknown provider is refused with the names of the known ones', async () => {
  await assert.rejects(service().provider('azure'), (error: unknown) => {
    assert.ok(error instanceof ApiError);
    assert.equal(error.code, 'STORAGE_PROVIDER_UNKNOWN');
    assert.match(error.message, /local, aws, wasabi, minio/);
    return true;
  });
});

const broken: [name: string, entry: string, reason: RegExp][] = [
  ['throws', "throw new Error('no way');", /no way/],
  ['exports nothing', 'export const x = 1;', /no default export/],
  [
    'exports another provider',
    PROVIDER.replace("id: 'mystore'", "id: 'other'"),
    /does not export the storage provider mystore/,
  ],
  ['has no open', PROVIDER.replace(/open: .*/, 'open: 1,'), /open is not a function/],
  ['ends its process', 'process.exit(3);', /ended the process \(code 3\)/],
];
for (const [name, entry, reason] of broken) {
  test(`a plugin whose entry ${name} fails, and the others work`, async () => {
    await install(entry);
    const plugins = service();
    assert.deepEqual((await plugins.providers()).map((provider) => provider.id).sort(), [...BUILT_IN_PROVIDERS].sort());
    const { state, reason: why } = await plugins.view('mine');
    assert.equal(state, 'failed');
    assert.match(why ?? '', reason);
    await assert.rejects(plugins.provider('mystore'), ApiError);
  });
}

test('what a plugin prints is logged, its last line without a line break too', async () => {
  await install("process.stdout.write('one\\nlast words'); process.exit(3);");
  const lines: string[] = [];
  await service((_fields, line) => lines.push(line)).view('mine');
  assert.deepEqual(
    lines.filter((line) => line.startsWith('plugin output')),
    ['plugin output: one', 'plugin output: last words'],
  );
});

test('a reload sees what changed', async () => {
  const plugins = service();
  assert.equal((await plugins.providerIds()).length, BUILT_IN_PROVIDERS.length);
  await install(PROVIDER);
  assert.equal((await plugins.providerIds()).length, BUILT_IN_PROVIDERS.length);
  await plugins.reload();
  assert.equal((await plugins.providerIds()).length, BUILT_IN_PROVIDERS.length + 1);
  await install(PROVIDER, 'My new store');
  await plugins.reload();
  assert.equal((await plugins.providers()).find((provider) => provider.id === 'mystore')?.title, 'My new store');
});
