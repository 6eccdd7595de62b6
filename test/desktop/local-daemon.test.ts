import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import test from 'node:test';
import { findRuntime } from '#desktop/main/local-daemon/runtime.ts';
import { isRunning, readRunFile } from '#shared/files/run-file.ts';
import { temporaryDir } from '../helpers/daemon.ts';
import { type App, codeOf, openApp, value } from './app.ts';

const start = (app: App) => value(app.page.localDaemon.start({ keep: 'session' }));
const env = { ...process.env, GPU_DISABLE: 'true', DBUS_SESSION_BUS_ADDRESS: '' };
const status = (app: App) => app.core.connections.local?.connection.state.status;

test('one call starts a daemon of its own, connected and usable; another one stops it', async (t) => {
  const app = await openApp(t, { env });
  const before = await value(app.page.localDaemon.state());
  assert.deepEqual([before.status, before.connectionId], ['stopped', null]);
  assert.equal(await codeOf(app.page.localDaemon.start({ keep: 'keychain' })), 'KEYCHAIN_NONE');
  assert.equal(existsSync(before.dataDir), false);

  const running = await start(app);
  assert.equal(running.status, 'running');
  assert.ok(running.dataDir.startsWith(app.userData));
  assert.equal(running.adopted, false);
  const id = running.connectionId ?? '';
  await app.until(() => status(app) === 'online');
  const answer = await value(app.page.http.request({ connectionId: id, method: 'GET', path: '/api/v1/apps' }));
  assert.deepEqual(
    (JSON.parse(answer.body) as { name: string }[]).map(({ name }) => name),
    ['live'],
  );
  const [{ kind } = { kind: '' }] = (await value(app.page.connections.list())).connections;
  assert.equal(kind, 'local');
  assert.equal((await start(app)).pid, running.pid);

  const secret = await app.core.connections.local?.secret();
  assert.ok(!JSON.stringify(app.pushes).includes(secret?.token ?? 'none'));
  const stopped = await value(app.page.localDaemon.stop());
  assert.equal(stopped.status, 'stopped');
  assert.equal(isRunning(running.pid ?? 0), false);
  await app.until(() => status(app) === 'offline');

  const again = await start(app);
  assert.equal(again.url, running.url);
  await app.until(() => status(app) === 'online');
  assert.equal((await value(app.page.connections.list())).connections.length, 1);
});

test('it can outlive the app, is taken up again, and a lost token is regained', async (t) => {
  const app = await openApp(t, { env });
  await value(app.page.desktop.setPreferences({ keepLocalDaemon: true }));
  const running = await start(app);
  t.after(() => (isRunning(running.pid ?? 0) ? process.kill(running.pid ?? 0, 'SIGKILL') : undefined));
  await value(
    app.page.http.request({
      connectionId: running.connectionId ?? '',
      method: 'POST',
      path: '/api/v1/apps',
      headers: { 'content-type': 'application/json' },
      body: '{"name":"kept"}',
    }),
  );
  await app.stop();
  assert.equal(isRunning(running.pid ?? 0), true);

  const next = await openApp(t, { userData: app.userData, env });
  await next.until(() => next.core.localDaemon.state.status === 'running');
  const adopted = next.core.localDaemon.state;
  assert.deepEqual([adopted.adopted, adopted.pid, adopted.url], [true, running.pid, running.url]);
  // its token was for the session of the app only
  await next.until(() => status(next) === 'signed-out');
  await start(next);
  await next.until(() => status(next) === 'online');
  const apps = await value(
    next.page.http.request({ connectionId: running.connectionId ?? '', method: 'GET', path: '/api/v1/apps' }),
  );
  assert.match(apps.body, /"kept"/);
  await value(next.page.desktop.setPreferences({ keepLocalDaemon: false }));
  const { pid } = next.core.localDaemon.state;
  await next.stop();
  assert.equal(isRunning(pid ?? 0), false);
});

test('without the keychain that had its token it still starts, with the app too', async (t) => {
  const app = await openApp(t, { env });
  await value(app.page.desktop.setPreferences({ startLocalDaemon: true }));
  const { connectionId } = await start(app);
  await app.stop();
  const file = path.join(app.userData, 'connections.json');
  const list = readFileSync(file, 'utf8');
  assert.match(list, /"kept": "session"/);
  await writeFile(file, list.replace('"kept": "session"', '"kept": "keychain"'));

  const next = await openApp(t, { userData: app.userData, env });
  await next.until(() => status(next) === 'online');
  const now = await value(next.page.localDaemon.state());
  assert.deepEqual([now.status, now.connectionId], ['running', connectionId]);
  assert.equal(next.core.connections.list().connections[0]?.credential.kept, 'session');
});

test('a daemon that falls is told, and a port that was taken meanwhile is no obstacle', async (t) => {
  const app = await openApp(t, { env });
  const { pid, url } = await start(app);
  process.kill(pid ?? 0, 'SIGKILL');
  await app.until(() => app.core.localDaemon.state.status === 'failed');
  const { error } = app.core.localDaemon.state;
  assert.match(error?.message ?? '', /SIGKILL/);
  const squatter = net.createServer().listen(Number(new URL(url ?? '').port), '127.0.0.1');
  await once(squatter, 'listening');
  t.after(() => squatter.close());
  const again = await start(app);
  assert.equal(again.status, 'running');
  assert.notEqual(again.url, url);
  await app.until(() => status(app) === 'online');
});

test('a daemon that cannot start says why in its own words', async (t) => {
  const app = await openApp(t, { env });
  const { dataDir } = app.core.localDaemon.state;
  await mkdir(path.join(dataDir, 'data'), { recursive: true });
  await writeFile(path.join(dataDir, 'data', 'streamhub.db'), 'this is no database');
  const outcome = await app.page.localDaemon.start({ keep: 'session' });
  assert.ok(!outcome.ok && outcome.error.code === 'LOCAL_FAILED');
  assert.match(outcome.error.message, /database/);
  assert.equal(app.core.localDaemon.state.status, 'failed');
  assert.equal((await value(app.page.connections.list())).connections.length, 0);
});

test('without a daemon or a Node in this build the app says so', async (t) => {
  const empty = await temporaryDir(t);
  const runtime = findRuntime([empty]);
  assert.equal(runtime, 'this build of the app contains no daemon');
  const app = await openApp(t, { env, runtime });
  assert.equal((await value(app.page.localDaemon.state())).status, 'unavailable');
  assert.equal(await codeOf(app.page.localDaemon.start({ keep: 'session' })), 'NOT_AVAILABLE');
  await mkdir(path.join(empty, 'out/daemon'), { recursive: true });
  await writeFile(path.join(empty, 'out/daemon/bin.mjs'), '');
  const electron = { ...process, versions: { ...process.versions, electron: '45.0.0' } };
  assert.match(String(findRuntime([empty], electron)), /Node 24 is missing/);
  assert.deepEqual(findRuntime([empty]), { node: process.execPath, entry: path.join(empty, 'out/daemon/bin.mjs') });
});

test('a run file that points elsewhere is not believed', async (t) => {
  const dir = await temporaryDir(t);
  await mkdir(path.join(dir, 'data'));
  const file = path.join(dir, 'data', 'daemon.json');
  for (const url of ['https://evil.example', 'http://10.0.0.1:3020', 'http://127.0.0.1.evil.example:80', 'nonsense']) {
    await writeFile(file, JSON.stringify({ url, pid: process.pid, version: '0.1.0' }));
    assert.equal(await readRunFile(dir), undefined, url);
  }
  await writeFile(file, JSON.stringify({ url: 'http://127.0.0.1:3020', pid: 7, version: '0.1.0' }));
  assert.deepEqual(await readRunFile(dir), { url: 'http://127.0.0.1:3020', pid: 7, version: '0.1.0' });
  assert.ok(readFileSync(file));
});
