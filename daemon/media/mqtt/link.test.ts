import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import { FairTurns } from '#daemon/platform/fair-turns.ts';
import { completeConfig } from '#shared/config/defaults.ts';
import { testBackground } from '#test/helpers/background.ts';
import { ManualClock } from '#test/helpers/clock.ts';
import { temporaryDir } from '#test/helpers/daemon.ts';
import { BROKER_USER, mosquitto, noMosquitto } from '#test/helpers/mosquitto.ts';
import { until } from '#test/helpers/until.ts';
import { MqttLink } from './link.ts';

/** A way to a broker that lets the greeting of the broker pass, and holds back what it acknowledges. */
async function slowWay(t: { after(fn: () => unknown): void }, port: number) {
  const [release, released] = [new AbortController(), Promise.withResolvers<void>()];
  release.signal.addEventListener('abort', () => released.resolve());
  const open = new Set<net.Socket>();
  const server = net.createServer(async (near) => {
    const far = net.connect(port, '127.0.0.1');
    for (const socket of [near, far]) socket.on('error', () => {});
    open.add(near);
    near.once('close', () => open.delete(near));
    near.pipe(far);
    const [greeting] = (await once(far, 'data')) as [Buffer];
    far.pause();
    near.write(greeting);
    await released.promise;
    far.pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, open, release: () => release.abort() };
}

test('a connection that is closed before the broker has acknowledged anything says goodbye and ends', {
  skip: noMosquitto,
}, async (t) => {
  const broker = await mosquitto(t);
  await broker.start();
  const seen = await broker.watch(t, 'app/#');
  const way = await slowWay(t, broker.port);
  const dir = await temporaryDir(t);
  const databases = new AppDatabases(dir);
  t.after(() => databases.closeAll());
  await mkdir(path.join(dir, 'live'));
  await writeFile(databases.file('live'), databases.template());
  const url = `mqtt://127.0.0.1:${way.port}`;
  const link = new MqttLink({
    ...{ app: 'live', turn: 'team', databases, turns: new FairTurns(), background: testBackground() },
    target: { url, tls: false, ...BROKER_USER, clientId: 'link' },
    plan: { url, username: BROKER_USER.username, topicPrefix: 'app', qos: 1, tls: false, events: [], logLevel: null },
    config: async () => completeConfig({}, 'live'),
    policy: { denyPrivate: false },
    clock: new ManualClock(),
    log: { info() {}, warn() {} },
    onChange() {},
  });
  const state = () => seen.findLast(({ topic }) => topic === 'app/state/app')?.body.state;
  link.open();
  await until('it says that it is online', () => state() === 'online');
  const closed = link.close({ isForGood: true });
  way.release();
  await closed;
  await until('the connection is over', () => way.open.size === 0);
  await until('it says that it is offline', () => state() === 'offline');
  assert.notEqual(link.state.state, 'connected');
});
