import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, chown, cp, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import { Client, daemonProcess, ROOT, TEST_TOKEN, temporaryDir } from '#test/helpers/daemon.ts';
import { textsBelow } from '#test/helpers/files.ts';
import { until } from '#test/helpers/until.ts';

const run = promisify(execFile);
/** The program from its sources, however the other tests run it. */
const SOURCE = path.join(ROOT, 'daemon/bin.mjs');
const ENV = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' };

describe('start and stop', () => {
  test('a first start with nothing configured shows one token that works; the second shows none', async (t) => {
    const dir = path.join(await temporaryDir(t), 'state');
    const first = await daemonProcess(t, dir, { STREAMHUB_API_TOKEN: '' }, [], SOURCE);
    const token = /^\s+(sk_[\w-]{43})$/m.exec(first.stdout())?.[1];
    assert.ok(token, first.stdout());
    assert.match(first.stdout(), /curl -s http:\/\/127\.0\.0\.1:\d+\/api\/v1\/apps -H "Authorization: Bearer sk_/);
    assert.match(first.stdout(), /\/api\/v1\/docs/);
    assert.match(first.stdout(), /not set up .*LiveKit/);
    const api = new Client(first.url, token);
    assert.deepEqual(
      (await api.get('/apps')).body.map((app: { name: string }) => app.name),
      ['live'],
    );
    assert.equal((await stat(dir)).mode & 0o777, 0o700);
    assert.equal((await stat(path.join(dir, 'data'))).mode & 0o777, 0o700);
    for (const { file, text } of await textsBelow(path.join(dir, 'data')))
      assert.ok(!text.includes(token), `${file} holds the token`);
    assert.deepEqual(await first.end('SIGTERM'), { code: 0, signal: null });

    const second = await daemonProcess(t, dir, { STREAMHUB_API_TOKEN: '' });
    assert.doesNotMatch(second.stdout(), /sk_/);
    assert.equal((await new Client(second.url, token).get('/apps')).status, 200);
    assert.deepEqual(await second.end('SIGINT'), { code: 0, signal: null });
  });

  test('where the output is kept in a log, a first start writes its token and link to files', async (t) => {
    const dir = await temporaryDir(t);
    const daemon = await daemonProcess(t, dir, { STREAMHUB_API_TOKEN: '', container: 'docker' });
    await until('the greeting is whole', () => daemon.stdout().includes('setup-link'));
    assert.doesNotMatch(daemon.stdout() + daemon.stderr(), /sk_|setup#/);
    const read = async (name: string) => {
      const file = path.join(dir, 'data', name);
      assert.ok(daemon.stdout().includes(file), daemon.stdout());
      assert.equal((await stat(file)).mode & 0o777, 0o600);
      return (await readFile(file, 'utf8')).trim();
    };
    assert.equal((await new Client(daemon.url, await read('first-token')).get('/apps')).status, 200);
    const link = await read('setup-link');
    assert.match(link, /\/setup#/);

    // passwords cost what they should here, where no test makes them cheaper
    const person = { token: link.split('#')[1], email: 'root@example.com', password: 'correct horse battery' };
    assert.equal((await new Client(daemon.url, null).post('/auth/setup', person)).status, 201);
    await daemon.end();
    const db = new Database(path.join(dir, 'data/streamhub.db'), { readonly: true });
    t.after(() => db.close());
    const { password_hash } = db.prepare('SELECT password_hash FROM users').get() as { password_hash: string };
    assert.match(password_hash, /^scrypt\$32768\$8\$1\$/);
  });

  test('STREAMHUB_API_TOKEN seeds the first token and is not printed', async (t) => {
    const dir = await temporaryDir(t);
    const daemon = await daemonProcess(t, dir);
    assert.equal((await daemon.api.get('/apps')).status, 200);
    assert.ok(!daemon.stdout().includes(TEST_TOKEN));
    assert.equal((await daemon.api.get('/tokens')).body.length, 1);
  });

  test('what is odd about the settings is on stderr, in the log and in GET /system/settings, without the value', async (t) => {
    const dir = await temporaryDir(t);
    await writeFile(path.join(dir, 'streamhub.env'), 'ADMIN_PASSWRD=hidden-word\n', { mode: 0o600 });
    const daemon = await daemonProcess(t, dir, { METRICS_TOKEN: 'hidden-word ', LOG_LEVEL: 'warn' });
    const { warnings } = (await daemon.api.get('/system/settings')).body.data;
    const logged = (await daemon.api.get('/logs?level=warn')).text;
    for (const [code, subject] of [
      ['UNKNOWN_SETTING', 'ADMIN_PASSWRD'],
      ['SECRET_LEFT_OVER', 'METRICS_TOKEN'],
    ]) {
      const found = warnings.find((warning: { code: string }) => warning.code === code);
      assert.equal(found?.subject, subject);
      assert.ok(daemon.stderr().includes(`streamhub: warning: ${found.message}\n`), daemon.stderr());
      assert.ok(daemon.stdout().includes(found.message) || logged.includes(found.message), logged);
    }
    assert.doesNotMatch(daemon.stderr() + daemon.stdout() + logged + JSON.stringify(warnings), /hidden-word/);
  });

  test('a second daemon on the same DATA_DIR refuses, and the first goes on', async (t) => {
    const dir = await temporaryDir(t);
    const daemon = await daemonProcess(t, dir);
    const second = run(process.execPath, [SOURCE], { env: { ...ENV, DATA_DIR: dir, PORT: '0' } });
    await assert.rejects(second, (error: { code: number; stderr: string }) => {
      assert.equal(error.code, 1);
      assert.match(error.stderr, /another daemon is running/);
      return true;
    });
    assert.equal((await daemon.api.get('/apps')).status, 200);
  });

  test('after a kill -9 the DATA_DIR is free again', async (t) => {
    const dir = await temporaryDir(t);
    const daemon = await daemonProcess(t, dir);
    await daemon.end('SIGKILL');
    const again = await daemonProcess(t, dir);
    assert.equal((await again.api.get('/apps/live')).status, 200);
  });

  test('a taken port is one clear line', async (t) => {
    const dir = await temporaryDir(t);
    const daemon = await daemonProcess(t, dir);
    const other = await temporaryDir(t);
    const failing = run(process.execPath, [SOURCE, '--port', new URL(daemon.url).port, '--data-dir', other], {
      env: ENV,
    });
    await assert.rejects(failing, (error: { stderr: string }) => {
      assert.match(
        error.stderr,
        /^streamhub: port \d+ on 127\.0\.0\.1 is in use; choose another with --port or PORT\n$/,
      );
      return true;
    });
  });

  test('settings that make no sense are named with their place, and no value is quoted', async (t) => {
    const dir = await temporaryDir(t);
    await writeFile(path.join(dir, 'streamhub.env'), 'LOG_LEVEL=verbose\nLOG_MAX_FILES=12\n');
    const failing = run(process.execPath, [SOURCE], {
      env: { ...ENV, DATA_DIR: dir, PORT: 'eighty', GPU_DISABLE: 'maybe' },
    });
    await assert.rejects(failing, (error: { code: number; stderr: string }) => {
      assert.equal(error.code, 2);
      assert.match(error.stderr, /environment variable PORT must be a whole number from 0 to 65535/);
      assert.match(error.stderr, /environment variable GPU_DISABLE must be one of/);
      assert.match(error.stderr, /LOG_LEVEL in .*streamhub\.env must be one of trace, debug/);
      assert.doesNotMatch(error.stderr, /eighty|maybe|verbose/);
      return true;
    });
  });

  test('compiled code is kept where only its user writes, and none is taken from elsewhere', async (t) => {
    const temporary = await temporaryDir(t);
    const folder = path.join(temporary, `streamhub-compiled-${process.getuid?.() ?? 'here'}`);
    const start = () => run(process.execPath, [SOURCE, '--version'], { env: { ...ENV, TMPDIR: temporary } });
    await start();
    assert.equal((await stat(folder)).mode & 0o777, 0o700);
    assert.notDeepEqual(await readdir(folder), []);
    await rm(folder, { recursive: true });
    // another user was first
    const others = path.join(temporary, 'others');
    await mkdir(others);
    await symlink(others, folder);
    await start();
    assert.deepEqual(await readdir(others), []);
    await rm(folder);
    await mkdir(folder);
    await chmod(folder, 0o777);
    await start();
    assert.deepEqual(await readdir(folder), []);
    if (process.getuid?.() !== 0) return;
    await chmod(folder, 0o700);
    await chown(folder, 65_534, 65_534);
    await start();
    assert.deepEqual(await readdir(folder), []);
  });

  test('an unknown flag is refused with a pointer to the help, which lists the flags', async () => {
    await assert.rejects(run(process.execPath, [SOURCE, '--nonsense'], { env: ENV }), /Try streamhub --help/);
    const { stdout } = await run(process.execPath, [SOURCE, '--help'], { env: ENV });
    assert.match(stdout, /--port <n>/);
    assert.match(stdout, /--data-dir <text>/);
  });

  test('an interrupted create is finished or cleared away at the next start', async (t) => {
    const dir = await temporaryDir(t);
    const daemon = await daemonProcess(t, dir);
    await daemon.api.post('/apps', { name: 'kept' });
    await daemon.end();
    const apps = path.join(dir, 'apps');
    const { rename } = await import('node:fs/promises');
    await rename(path.join(apps, 'kept'), path.join(apps, '.new-kept-0123abcd'));
    await mkdir(path.join(apps, '.new-ghost-0123abcd'));
    const again = await daemonProcess(t, dir);
    assert.equal((await again.api.get('/apps/kept/sizes')).body.data.app, 'kept');
    assert.deepEqual((await readdir(apps)).sort(), ['kept', 'live']);
  });

  test('an older Node is refused with one line before anything native loads', async (t) => {
    const old = await olderNode();
    if (old === undefined) return t.skip('no Node older than 24 is installed on this machine');
    // an installed package has no sources beside it
    const installed = path.join(await temporaryDir(t), 'out', 'daemon', 'bin.mjs');
    await cp(SOURCE, installed);
    for (const [file, cure] of [
      [SOURCE, /npm start/],
      [installed, /Install Node 24 .*npm install -g node@24/],
    ] as const)
      await assert.rejects(run(old, [file], { env: ENV }), (error: { code: number; stderr: string }) => {
        assert.equal(error.code, 1);
        assert.match(error.stderr, /^streamhub: needs Node 24 or newer, this is v\d+\.\d+\.\d+\. .*\n$/);
        assert.match(error.stderr, cure);
        return true;
      });
  });
});

async function olderNode(): Promise<string | undefined> {
  for (const dir of ['/usr/bin', '/usr/local/bin', ...(process.env['PATH'] ?? '').split(':')]) {
    const node = path.join(dir, 'node');
    const version = await run(node, ['--version']).then(
      ({ stdout }) => Number(/^v(\d+)/.exec(stdout)?.[1]),
      () => Number.NaN,
    );
    if (version < 24) return node;
  }
  return undefined;
}
