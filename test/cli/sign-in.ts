import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Secret, TOTP } from 'otpauth';
import { ROOT, TEST_TOKEN } from '#test/helpers/daemon.ts';
import { keychainMissing, noKeytar } from '#test/helpers/keychain.ts';
import { firstAdmin, join, PASSWORD } from '#test/helpers/people.ts';
import { inTerminal, terminalMissing } from '#test/helpers/terminal.ts';
import { daemon, file } from './world.ts';

const run = promisify(execFile);

/** A session with a real, unlocked keychain, until the test ends. @returns what programs need to find it */
async function keychainSession(t: { after(fn: () => unknown): void }): Promise<Record<string, string>> {
  const script = path.join(ROOT, 'test/servers/with-keychain');
  const held = spawn(script, ['sh', '-c', 'echo "$DBUS_SESSION_BUS_ADDRESS"; cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(held, 'exit');
  t.after(() => {
    held.stdin.end();
    return ended;
  });
  const [address] = (await once(createInterface(held.stdout), 'line')) as [string];
  return { DBUS_SESSION_BUS_ADDRESS: address };
}

describe('signing in, in a terminal', { skip: terminalMissing }, () => {
  test('the credential is in the keychain alone, and is gone with its context', async (t) => {
    const missing = (await noKeytar()) || keychainMissing();
    if (missing) return t.skip(missing);
    const bus = await keychainSession(t);
    const env = { ...bus, STREAMHUB_CONFIG_DIR: file('with-keychain') };
    /** What another program finds in the keychain. */
    const stored = async (): Promise<string[]> => {
      const code = `require('keytar').findCredentials('StreamHub command line').then((all) => console.log(JSON.stringify(all)))`;
      const { stdout } = await run(process.execPath, ['-e', code], { cwd: ROOT, env: { ...process.env, ...bus } });
      return JSON.parse(stdout).map(({ password }: { password: string }) => password);
    };
    const connect = inTerminal(
      ['connect', daemon.url.replace('127.0.0.1', 'localhost'), '--ca-file', file('cert.pem'), '--name', 'kept'],
      env,
    );
    await connect.sees(/API token: $/);
    connect.type(`${TEST_TOKEN}\r`);
    const connected = await connect.ended;
    assert.equal(connected.code, 0, connected.screen);
    assert.deepEqual(await stored(), [TEST_TOKEN]);
    const contexts = await readFile(file('with-keychain/contexts.json'), 'utf8');
    assert.ok(contexts.includes('"store": "keychain"') && !contexts.includes(TEST_TOKEN), contexts);
    assert.ok(!existsSync(file('with-keychain/credentials.json')));
    const apps = await inTerminal(['apps'], env).ended;
    assert.deepEqual([apps.code, /^live /m.test(apps.screen)], [0, true], apps.screen);
    assert.match((await inTerminal(['contexts', 'rm', 'kept'], env).ended).screen, /Removed the context kept/);
    assert.deepEqual(await stored(), []);
  });

  test('a password and a code of two factors are asked for; a person invites, changes and removes others', async () => {
    const root = await firstAdmin(daemon);
    const { secret } = (await root.api.post('/account/2fa/setup')).body.data;
    const totp = new TOTP({ secret: Secret.fromBase32(secret) });
    // each code is taken once
    const before = totp.generate({ timestamp: Date.now() - 30_000 });
    assert.equal((await root.api.post('/account/2fa/enable', { code: before })).status, 200);
    const env = { STREAMHUB_CONFIG_DIR: file('person') };
    const args = ['connect', daemon.url, '--ca-file', file('cert.pem'), '--name', 'me', '--credential-file'];
    const wrong = inTerminal([...args, '--user', root.email], env);
    await wrong.sees(/Password of root@example\.com: $/);
    wrong.type('not the password\r');
    assert.equal((await wrong.ended).code, 4);
    const connect = inTerminal([...args, '--user', root.email], env);
    await connect.sees(/Password of root@example\.com: $/);
    connect.type(`${PASSWORD}\r`);
    await connect.sees(/Two-factor code: $/);
    connect.type(`${totp.generate()}\r`);
    const connected = await connect.ended;
    assert.deepEqual([connected.code, connected.screen.includes(PASSWORD)], [0, false], connected.screen);
    assert.match(connected.screen, /as root@example\.com\. The context me is now the current one/);

    const people = async (...words: string[]) => {
      const ran = await inTerminal(['people', ...words], env).ended;
      assert.equal(ran.code, 0, ran.screen);
      return ran.screen;
    };
    assert.match(await people('invite', 'vera@example.com', '--role', 'viewer'), /invite url +http/);
    assert.match(await people('invites'), /vera@example\.com/);
    const editor = await join(daemon, root.api, 'ed@example.com', 'editor');
    assert.match(await people('role', editor.id, 'viewer'), /is viewer now/);
    assert.match(await people(), /ed@example\.com/);
    assert.match(await people('rm', editor.id, '--yes'), /Removed/);
  });
});
