// Run by keychain.test.ts inside a session with a real keyring.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { SecretStore } from '#shared/keychain/secret-store.ts';
import { TEST_TOKEN, testDaemon } from '../helpers/daemon.ts';
import { Keyring, noKeytar } from '../helpers/keychain.ts';
import { type App, codeOf, openApp, value } from './app.ts';

const keyring = new Keyring();
before(() => keyring.start());
after(() => keyring.remove());

const service = 'StreamHub test of the app';
const credential = { kind: 'token', token: TEST_TOKEN } as const;
const open = (t: { after(fn: () => unknown): void }, userData?: string) =>
  openApp(t, { secrets: new SecretStore({ service }), ...(userData === undefined ? {} : { userData }) });
const status = (app: App, id: string) => app.core.connections.get(id).connection.state.status;

test('a credential in the keychain is there after a restart, and gone with its connection', async (t) => {
  const daemon = await testDaemon(t);
  const app = await open(t);
  const { id, credential: shown } = await value(
    app.page.connections.add({ url: daemon.url, credential, keep: 'keychain' }),
  );
  assert.equal(shown.kept, 'keychain');
  await app.until(() => status(app, id) === 'online');
  await app.stop();

  const again = await open(t, app.userData);
  await again.until(() => status(again, id) === 'online');
  await value(again.page.connections.remove({ id }));
  assert.equal(await new SecretStore({ service }).read(id), null);
});

test('with the keychain locked the app says so, and goes on by itself once it is opened', async (t) => {
  const daemon = await testDaemon(t);
  const app = await open(t);
  const { id } = await value(app.page.connections.add({ url: daemon.url, credential, keep: 'keychain' }));
  await app.until(() => status(app, id) === 'online');
  await app.stop();
  keyring.lock();
  const again = await open(t, app.userData);
  await again.until(() => status(again, id) === 'locked');
  assert.equal(again.core.connections.get(id).connection.state.error?.code, 'KEYCHAIN_LOCKED');
  const wanted = { url: 'http://127.0.0.1:1', credential } as const;
  assert.equal(await codeOf(again.page.connections.add({ ...wanted, keep: 'keychain' })), 'KEYCHAIN_LOCKED');
  await value(again.page.connections.add({ ...wanted, keep: 'session' }));
  assert.equal((await value(again.page.keychain.unlock())).state, 'locked');
  await keyring.unlock();
  await again.until(() => status(again, id) === 'online');
  await again.until(() =>
    again.pushes.some(({ channel, payload }) => channel === 'keychain:changed' && payload.state === 'ready'),
  );
});

test('a session-only credential moves into the keychain when the person wants that', async (t) => {
  const daemon = await testDaemon(t);
  const app = await open(t);
  const { id } = await value(app.page.connections.add({ url: daemon.url, credential, keep: 'session' }));
  assert.deepEqual((await value(app.page.keychain.state())).sessionOnly, [id]);
  assert.deepEqual((await value(app.page.keychain.keep({ id }))).sessionOnly, []);
  const [connection] = (await value(app.page.connections.list())).connections;
  assert.equal(connection?.credential.kept, 'keychain');
  await app.stop();
  const again = await open(t, app.userData);
  await again.until(() => status(again, id) === 'online');

  // and back: for this session only means that the keychain no longer has it
  await value(again.page.connections.signIn({ id, credential, keep: 'session' }));
  assert.equal(await new SecretStore({ service }).read(id), null);
});

test('a secret that the locked keychain does not give up is taken out later', async (t) => {
  const app = await open(t);
  const wanted = { url: 'http://127.0.0.1:1', credential, keep: 'keychain' } as const;
  const { id } = await value(app.page.connections.add(wanted));
  keyring.lock();
  await value(app.page.connections.remove({ id }));
  assert.equal((await value(app.page.connections.list())).connections.length, 0);
  await app.stop();
  await keyring.unlock();
  assert.notEqual(await new SecretStore({ service }).read(id), null);
  await open(t, app.userData);
  assert.equal(await new SecretStore({ service }).read(id), null);
  const file = JSON.parse(await readFile(path.join(app.userData, 'connections.json'), 'utf8'));
  assert.deepEqual(file.data.orphans, []);
});

test('what another module stored is named as the reason', { skip: await noKeytar() }, async (t) => {
  const daemon = await testDaemon(t);
  const app = await open(t);
  const { id } = await value(app.page.connections.add({ url: daemon.url, credential, keep: 'keychain' }));
  await app.stop();
  const load = (name: string) => (name === 'keytar' ? Promise.reject(new Error('made to fail')) : import(name));
  const again = await openApp(t, { userData: app.userData, secrets: new SecretStore({ service, load }) });
  await again.until(() => status(again, id) === 'signed-out');
  const { error } = again.core.connections.get(id).connection.state;
  assert.equal(error?.code, 'NO_CREDENTIAL');
  assert.match(error?.hint ?? '', /keytar, which cannot be loaded now/);
});

test('the local daemon’s token is kept in the keychain', async (t) => {
  const app = await open(t);
  const running = await value(app.page.localDaemon.start({ keep: 'keychain' }));
  const id = running.connectionId ?? '';
  await app.until(() => status(app, id) === 'online');
  const kept = await new SecretStore({ service }).read(id);
  await app.stop();
  const again = await open(t, app.userData);
  await value(again.page.localDaemon.start({ keep: 'keychain' }));
  await again.until(() => status(again, id) === 'online');
  assert.equal(await new SecretStore({ service }).read(id), kept);
  await value(again.page.connections.remove({ id }));
});
