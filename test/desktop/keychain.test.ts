import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { SecretStore } from '#shared/keychain/secret-store.ts';
import { inKeychain, keychainMissing } from '../helpers/keychain.ts';

const missing = keychainMissing();

for (const session of ['keychain', 'keychain-app']) {
  test(`in a real keychain: ${session}`, { skip: missing }, async (t) => {
    const { code, stdout, stderr } = await inKeychain(path.join(import.meta.dirname, `${session}.session.ts`));
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /pass [1-9]/);
    for (const [, skipped] of stdout.matchAll(/﹣ (.*)/g)) t.diagnostic(`not run: ${skipped}`);
  });
}

test('without a D-Bus session, or with one that is not there, there is no keychain', async (t) => {
  if (process.platform !== 'linux') return t.skip('Linux only');
  for (const env of [{}, { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/none' }, { DBUS_SESSION_BUS_ADDRESS: 'nonsense' }]) {
    const secrets = new SecretStore({ env, platform: 'linux' });
    assert.equal((await secrets.state()).state, 'none', JSON.stringify(env));
    for (const attempt of [secrets.read('a'), secrets.write('a', 's', 'keychain'), secrets.remove('a')])
      await assert.rejects(attempt, { code: 'KEYCHAIN_NONE' });
  }
});

test('for the session only: in memory, named as such, gone with the secret store', async () => {
  const secrets = new SecretStore({ env: {}, platform: 'linux' });
  await secrets.write('a', 'secret', 'session');
  assert.equal(await secrets.read('a'), 'secret');
  const state = await secrets.state();
  assert.deepEqual(state.sessionOnly, ['a']);
  assert.ok(!JSON.stringify(state).includes('secret'));
  await assert.rejects(secrets.keep('a'), { code: 'KEYCHAIN_NONE' });
  assert.equal(await secrets.read('a'), 'secret');
  await secrets.remove('a');
  await assert.rejects(secrets.read('a'), { code: 'KEYCHAIN_NONE' });
  await assert.rejects(new SecretStore({ env: {}, platform: 'linux' }).read('a'), { code: 'KEYCHAIN_NONE' });
});

test('without any module the person hears why', async () => {
  const secrets = new SecretStore({ load: () => Promise.reject(new Error('no binary for this machine')) });
  const state = await secrets.state();
  assert.equal(state.state, 'none');
  assert.equal(state.module, null);
  assert.match(state.message, /no binary for this machine/);
  await assert.rejects(secrets.write('a', 's', 'keychain'), { code: 'KEYCHAIN_NONE' });
});
