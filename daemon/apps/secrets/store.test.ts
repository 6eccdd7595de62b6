import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { SecretFile } from '#daemon/platform/secrets/secret-file.ts';
import { SecretStore } from './store.ts';

describe('SecretStore', () => {
  let root: string;
  let file: string;
  const warnings: string[] = [];
  const open = async (env: Record<string, string> = {}) => {
    const secrets = new SecretFile({ file, log: { warn: (_data, message) => warnings.push(message) } });
    await secrets.load();
    return new SecretStore({ file: secrets, env });
  };
  const stored = async () => JSON.parse(await readFile(file, 'utf8')) as Record<string, string>;

  beforeEach(async () => {
    root = await mkdtemp(path.join(os.tmpdir(), 'streamhub-secrets-'));
    file = path.join(root, 'data', 'secrets.json');
    warnings.length = 0;
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  test('keeps values by names derived from the app, readable by the owner only', async () => {
    const store = await open();
    await store.set('my-app', { s3AccessKey: 'AKIA', s3SecretKey: 'hush' });
    assert.deepEqual(await stored(), { APP_MY_APP_S3_KEY: 'AKIA', APP_MY_APP_S3_SECRET: 'hush' });
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.equal((await stat(path.dirname(file))).mode & 0o777, 0o700);
    const reopened = await open();
    assert.equal(reopened.get('my-app', 's3SecretKey'), 'hush');
    assert.equal(reopened.get('other', 's3SecretKey'), '');
  });

  test('narrows the mode of a file that others could read', async () => {
    await open();
    await writeFile(file, '{"APP_LIVE_S3_KEY":"AKIA"}', { mode: 0o644 });
    await chmod(file, 0o644);
    await open();
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const store = await open();
    await chmod(file, 0o644);
    await store.set('live', { s3AccessKey: 'next' });
    assert.equal((await stat(file)).mode & 0o777, 0o600);
  });

  test('an environment variable of that name wins', async () => {
    const store = await open({ APP_LIVE_S3_KEY: 'from env', STREAMHUB_JWT_SECRET: 'never' });
    await store.set('live', { s3AccessKey: 'from file', s3SecretKey: 'secret' });
    assert.equal(store.get('live', 's3AccessKey'), 'from env');
    assert.equal(store.origin('live', 's3AccessKey'), 'environment');
    assert.equal(store.origin('live', 's3SecretKey'), 'file');
    assert.equal(store.origin('live', 'mqttPassword'), null);
  });

  test('loses no value of a hundred concurrent writers', async () => {
    const store = await open();
    await Promise.all(Array.from({ length: 100 }, (_, n) => store.set(`app-${n}`, { s3AccessKey: `key-${n}` })));
    const values = await stored();
    assert.equal(Object.keys(values).length, 100);
    for (let n = 0; n < 100; n++) assert.equal(values[`APP_APP_${n}_S3_KEY`], `key-${n}`);
    assert.deepEqual(await readdir(path.dirname(file)), ['secrets.json']);
  });

  test('a staged change is invisible until committed, and gone when aborted', async () => {
    const store = await open();
    await store.set('live', { s3AccessKey: 'old' });
    const aborted = await store.stage('live', { s3AccessKey: 'refused' });
    const waiting = store.set('other', { s3AccessKey: 'second' });
    assert.equal(store.get('live', 's3AccessKey'), 'old');
    await aborted.file?.discard();
    aborted.release();
    await waiting;
    assert.deepEqual(await stored(), { APP_LIVE_S3_KEY: 'old', APP_OTHER_S3_KEY: 'second' });
    const committed = await store.stage('live', { s3AccessKey: 'new' });
    await committed.file?.commit();
    committed.adopt();
    committed.release();
    assert.equal(store.get('live', 's3AccessKey'), 'new');
  });

  test('dropping an app forgets its secrets and no other’s', async () => {
    const store = await open();
    await store.set('a', { s3AccessKey: '1', s3SecretKey: '2', callbackSecret: '3', mqttPassword: '4' });
    await store.set('a-b', { s3AccessKey: '5' });
    await store.dropApp('a');
    assert.deepEqual(await stored(), { APP_A_B_S3_KEY: '5' });
    assert.equal(store.get('a', 'callbackSecret'), '');
  });

  test('sets an unreadable file aside and says so', async () => {
    await open();
    await writeFile(file, '{"APP_LIVE_S3_KEY": "AK');
    const store = await open();
    assert.equal(store.get('live', 's3AccessKey'), '');
    assert.equal(warnings.length, 1);
    const names = await readdir(path.dirname(file));
    assert.equal(names.filter((name) => name.startsWith('secrets.json.unreadable-')).length, 1);
    await store.set('live', { s3AccessKey: 'again' });
    assert.deepEqual(await stored(), { APP_LIVE_S3_KEY: 'again' });
  });

  test('leaves temporary files to the start, which knows whether an interrupted change needs them', async () => {
    const store = await open();
    await store.set('live', { s3AccessKey: 'whole' });
    const temporary = '.secrets.json.0123456789ab.tmp';
    await writeFile(path.join(path.dirname(file), temporary), '{"APP_LIV');
    await open();
    assert.deepEqual((await readdir(path.dirname(file))).sort(), [temporary, 'secrets.json']);
  });
});
