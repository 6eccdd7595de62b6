// What a daemon does when its output can't be written: the log also has a file, so it keeps working and stops in order.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { BIN, Client, daemonProcess, TEST_TOKEN, temporaryDir } from '#test/helpers/daemon.ts';
import { freePort } from '#test/helpers/server-scripts.ts';
import { inTerminal, terminalMissing } from '#test/helpers/terminal.ts';
import { until } from '#test/helpers/until.ts';

const SETTINGS = { GPU_DISABLE: 'true', STREAMHUB_CONSOLE_BUILD: 'off', STREAMHUB_API_TOKEN: TEST_TOKEN };
const lastLine = (dir: string): string =>
  readFileSync(path.join(dir, 'logs', 'streamhub.log'), 'utf8')
    .trim()
    .split('\n')
    .at(-1) ?? '';

test('a terminal that is closed stops the daemon in order', { skip: terminalMissing }, async (t) => {
  const dir = await temporaryDir(t);
  const session = inTerminal([], { ...SETTINGS, PORT: '0', DATA_DIR: dir });
  await session.sees(/listens on/);
  session.close();
  await session.ended;
  assert.match(lastLine(dir), /"signal":"SIGHUP","msg":"stopping"/);
});

test('SIGHUP alone does, and as often as it comes', async (t) => {
  const dir = await temporaryDir(t);
  const daemon = await daemonProcess(t, dir);
  daemon.child.kill('SIGHUP');
  assert.deepEqual(await daemon.end('SIGHUP'), { code: 0, signal: null });
});

test('a file on a full disk', { skip: process.platform !== 'linux' && 'it needs /dev/full' }, async (t) => {
  const dir = await temporaryDir(t);
  const port = await freePort();
  const full = openSync('/dev/full', 'w');
  t.after(() => closeSync(full));
  const child = spawn(process.execPath, [BIN], {
    cwd: os.tmpdir(),
    env: { PATH: process.env['PATH'] ?? '', ...SETTINGS, PORT: String(port), DATA_DIR: dir },
    stdio: ['ignore', full, full],
  });
  t.after(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  const api = new Client(`http://127.0.0.1:${port}`, TEST_TOKEN);
  await until('it answers', () =>
    api.get('/health').then(
      ({ status }) => status === 200,
      () => child.exitCode !== null,
    ),
  );
  assert.equal((await api.post('/apps', { name: 'films' })).status, 201);
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
  assert.match(lastLine(dir), /stopping/);
});
