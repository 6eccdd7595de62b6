// Run by keychain.test.ts inside a session with a real keyring.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { LoadModule } from '#shared/keychain/backends.ts';
import { SecretStore } from '#shared/keychain/secret-store.ts';
import { Keyring, noKeytar } from '../helpers/keychain.ts';

const keyring = new Keyring();
before(() => keyring.start());
after(() => keyring.remove());

const withoutKeytar = await noKeytar();
const modules: Record<string, LoadModule | undefined> = {
  keytar: undefined,
  '@napi-rs/keyring': (name) =>
    name === 'keytar' ? Promise.reject(new Error('made to fail')) : import(name as string),
};

for (const [module, load] of Object.entries(modules)) {
  describe(module, { skip: module === 'keytar' && withoutKeytar }, () => {
    const make = () => new SecretStore({ service: `StreamHub test ${module}`, ...(load ? { load } : {}) });

    test('is found and ready', async () => {
      const state = await make().state();
      assert.deepEqual([state.state, state.module, state.service], ['ready', module, 'Secret Service']);
    });

    test('a secret is kept beyond this process’s memory, replaced and removed', async () => {
      const secret = `{"token":"sk_ü\\n${'x'.repeat(4000)}"}`;
      assert.equal(await make().read('one'), null);
      await make().write('one', 'old', 'keychain');
      await make().write('one', secret, 'keychain');
      assert.equal(await make().read('one'), secret);
      await make().remove('one');
      assert.equal(await make().read('one'), null);
      await make().remove('one');
    });

    test('a secret of the session moves into the keychain', async () => {
      const secrets = make();
      await secrets.write('moved', 'secret', 'session');
      assert.equal(await make().read('moved'), null);
      await secrets.keep('moved');
      assert.deepEqual((await secrets.state()).sessionOnly, []);
      assert.equal(await make().read('moved'), 'secret');
    });

    test('locked is not the same as not stored', async () => {
      const secrets = make();
      await secrets.write('stored', 'secret', 'keychain');
      keyring.lock();
      const state = await secrets.state();
      assert.equal(state.state, 'locked');
      assert.equal(state.canUnlock, true);
      for (const account of ['stored', 'never stored'])
        await assert.rejects(secrets.read(account), { code: 'KEYCHAIN_LOCKED' });
      await assert.rejects(secrets.write('stored', 'new', 'keychain'), { code: 'KEYCHAIN_LOCKED' });
      await assert.rejects(secrets.remove('stored'), { code: 'KEYCHAIN_LOCKED' });
      await secrets.write('other', 'secret', 'session');
      assert.equal(await secrets.read('other'), 'secret');
    });

    test('nobody answers the question for the password: it stays locked, and says so', async () => {
      assert.equal((await make().unlock()).state, 'locked');
    });

    test('once it is open again, what was stored is there', async () => {
      const secrets = make();
      await assert.rejects(secrets.read('stored'), { code: 'KEYCHAIN_LOCKED' });
      await keyring.unlock();
      assert.equal(await secrets.read('stored'), 'secret');
      assert.equal(await secrets.read('never stored'), null);
    });
  });
}

test('a keyring that ended is none, and one that was started anew is used again or says what to do', async () => {
  const stores = Object.entries(modules).map(([module, load]) => ({
    module,
    secrets: new SecretStore({ service: `StreamHub test ${module}`, ...(load ? { load } : {}) }),
  }));
  await keyring.stop();
  for (const { secrets } of stores) await assert.rejects(secrets.read('stored'), { code: 'KEYCHAIN_NONE' });
  await keyring.start();
  for (const { module, secrets } of stores) {
    if (module === 'keytar' && withoutKeytar) continue;
    if (module === 'keytar')
      await assert.rejects(secrets.read('stored'), { code: 'KEYCHAIN_FAILED', hint: /Restart StreamHub/ });
    else assert.equal(await secrets.read('stored'), 'secret');
  }
});
