import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { Secret, TOTP } from 'otpauth';
import { prepareExchange, stagedFolder } from '#daemon/operations/backup/restore.ts';
import { BIN, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { firstAdmin, MANY_ATTEMPTS } from '#test/helpers/people.ts';

interface Run {
  code: number;
  out: string;
  err: string;
}

/** Runs `streamhub admin …` as an operator would. */
function admin(dataDir: string, args: string[], input = '', user: { uid?: number } = {}): Promise<Run> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [BIN, 'admin', ...args],
      { env: { PATH: process.env['PATH'] ?? '', DATA_DIR: dataDir }, ...user },
      (error, out, err) => resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
    child.stdin?.end(input);
  });
}

test('an operator who lost password and authenticator gets back in with the files alone', async (t) => {
  const dataDir = await temporaryDir(t);
  const first = await testDaemon(t, MANY_ATTEMPTS, { dataDir });
  const root = await firstAdmin(first);
  const { secret } = (await root.api.post('/account/2fa/setup')).body.data;
  await root.api.post('/account/2fa/enable', { code: new TOTP({ secret: Secret.fromBase32(secret) }).generate() });

  const busy = await admin(dataDir, ['reset-password', '--generate']);
  assert.equal(busy.code, 1);
  assert.match(busy.err, /another daemon is running on .*stop it first/);
  await first.stop();

  // what is odd about the settings is said here, too
  await writeFile(path.join(dataDir, 'streamhub.env'), 'STREAMHUB_CLUSTER_TOKN=x\n', { mode: 0o600 });
  const warned = await admin(dataDir, ['users']);
  assert.match(warned.err, /^streamhub: warning: STREAMHUB_CLUSTER_TOKN .* Did you mean STREAMHUB_CLUSTER_TOKEN\?$/m);
  await rm(path.join(dataDir, 'streamhub.env'));
  assert.match(warned.out, new RegExp(`^${root.id}  root@example.com  superadmin  2fa$`, 'm'));
  const unknown = await admin(dataDir, ['reset-password', 'who@example.com', '--generate']);
  assert.deepEqual([unknown.code, unknown.err], [1, 'streamhub: no account has the address who@example.com\n']);
  const short = await admin(dataDir, ['reset-password'], 'short\n');
  assert.equal(short.code, 1);
  assert.equal((await admin(dataDir, ['reset-password'])).code, 1, 'nothing on standard input');
  assert.equal((await admin(dataDir, ['no-such-thing'])).code, 2);

  const typed = await admin(dataDir, ['reset-password', 'ROOT@example.com'], 'chosen by hand\n');
  assert.deepEqual([typed.code, typed.err], [0, '']);
  const made = await admin(dataDir, ['reset-password', '--generate', '--reset-2fa']);
  assert.equal(made.code, 0);
  const token = (await admin(dataDir, ['create-token', '--name', 'rescue'])).out.trim();
  assert.match(token, /^sk_[\w-]{43}$/);

  const second = await testDaemon(t, MANY_ATTEMPTS, { dataDir });
  const anonymous = second.api.as(null);
  assert.equal((await second.api.as(root.api.token).get('/auth/me')).status, 401, 'the old session is ended');
  const login = (password: string) => anonymous.post('/auth/login', { user: 'root@example.com', password });
  assert.equal((await login('chosen by hand')).status, 401);
  assert.equal((await login(made.out.trim())).status, 200);
  assert.equal((await second.api.as(token).get('/tokens')).status, 200);
  const trail = (await second.api.get('/audit?actor=command')).body.data;
  assert.deepEqual(
    trail.map((entry: any) => entry.action),
    ['token.create', 'admin.reset-password', 'admin.reset-password'],
  );
  assert.equal(trail[1].after.resetTwoFactor, true);
});

test('without an administrator it says how the first one is made', async (t) => {
  const dataDir = await temporaryDir(t);
  assert.match((await admin(dataDir, ['reset-password', '--generate'])).err, /contains no StreamHub data/);
  const daemon = await testDaemon(t, {}, { dataDir });
  await daemon.stop();
  assert.match((await admin(dataDir, ['reset-password', '--generate'])).err, /setup link/);
});

test('a folder that is missing or of another user is left as it is, and said', async (t) => {
  const dataDir = await temporaryDir(t);
  const mistyped = path.join(dataDir, 'mistyped');
  for (const command of ['users', 'create-token'])
    assert.match((await admin(mistyped, [command])).err, /mistyped contains no StreamHub data/);
  assert.deepEqual(await readdir(dataDir), []);
  await mkdir(path.join(mistyped, 'data'), { recursive: true });
  await Promise.all([chmod(dataDir, 0o755), chmod(mistyped, 0o555)]);
  // root writes to every folder
  const refused = await admin(mistyped, ['users'], '', process.getuid?.() === 0 ? { uid: 65534 } : {});
  await chmod(mistyped, 0o700);
  assert.equal(refused.code, 1);
  assert.match(
    refused.err,
    /^streamhub: you have no access to .*mistyped; run this as the user of the daemon, or as root$/m,
  );
});

test('nothing is changed that a waiting restore would replace', async (t) => {
  const dataDir = await temporaryDir(t);
  await (await testDaemon(t, {}, { dataDir })).stop();
  await mkdir(stagedFolder(dataDir), { recursive: true });
  await prepareExchange(dataDir, 'night.tar.gz', new Date().toISOString(), []);
  const refused = await admin(dataDir, ['create-token']);
  assert.deepEqual([refused.code, refused.out], [1, '']);
  assert.match(refused.err, /the restore of night\.tar\.gz waits for the next start and would replace this change/);
});
