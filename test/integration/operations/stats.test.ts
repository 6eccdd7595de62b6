import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { Value } from 'typebox/value';
import { ServerStats } from '#shared/schema/stats.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { startLivekit } from '#test/helpers/livekit.ts';
import { until } from '#test/helpers/until.ts';

const keys = { LIVEKIT_API_KEY: 'APItestkey123', LIVEKIT_API_SECRET: 'secret-of-livekit-0123456789abcdef0123' };

/** Something at LiveKit's address that answers as it is told. */
async function stranger(t: { after(fn: () => unknown): void }, answer: http.RequestListener): Promise<string> {
  const server = http.createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('GET /stats', () => {
  it('tells host, apps and storage without LiveKit', async (t) => {
    const { api, services } = await testDaemon(t);
    await api.post('/apps', { name: 'demo' });
    const app = services.databases.get('demo');
    app
      .prepare(
        "INSERT INTO vods (app_id, room, name, status, size_bytes, started_at) VALUES (2, 'demo', 'a', 'ready', 1500, '2026-01-01')",
      )
      .run();
    app
      .prepare(
        "INSERT INTO vods (app_id, room, name, status, started_at) VALUES (2, 'demo', 'b', 'recording', '2026-01-01')",
      )
      .run();
    app
      .prepare(
        "INSERT INTO streams (app_id, stream_id, type, room, status, started_at) VALUES (2, 'PA_1', 'webrtc', 'demo', 'active', '2026-01-01')",
      )
      .run();
    const { status, body } = await api.get('/stats');
    assert.equal(status, 200);
    assert.ok(Value.Check(ServerStats, body), JSON.stringify([...Value.Errors(ServerStats, body)]));
    assert.equal(body.livekitReachable, false);
    assert.deepEqual(body.counts, { apps: 2, rooms: 0, activeStreams: 1 });
    assert.deepEqual(body.egress, { reachable: false, active: 0, total: 0 });
    assert.deepEqual(body.ingress, { reachable: false, active: 0, total: 0 });
    assert.equal(body.storage.vodTotalBytes, 1500);
    assert.equal(body.storage.vodCount, 2);
    assert.equal(body.storage.totalDbSizeBytes, body.storage.dbSizeBytes + body.storage.appsDbSizeBytes);
    assert.ok(body.storage.dbSizeBytes > 0 && body.storage.appsDbSizeBytes > 0);
    assert.equal(body.memory.usedBytes, body.memory.totalBytes - body.memory.freeBytes);
    assert.ok(body.disk !== null && body.disk.totalBytes > 0 && body.disk.freeBytes <= body.disk.totalBytes);
  });

  it('tells the figures of every app that the caller may see', async (t) => {
    const { api, services } = await testDaemon(t);
    await api.post('/apps', { name: 'demo' });
    const app = services.databases.get('demo');
    app
      .prepare(
        "INSERT INTO vods (app_id, room, name, status, size_bytes, started_at) VALUES (2, 'demo', 'a', 'failed', 700, '2026-01-01')",
      )
      .run();
    app
      .prepare(
        "INSERT INTO streams (app_id, stream_id, type, room, status, started_at) VALUES (2, 'PA_1', 'webrtc', 'demo', 'ended', '2026-01-01')",
      )
      .run();
    const { status, body } = await api.get('/stats/apps');
    assert.equal(status, 200);
    const names = (await api.get('/apps')).body.map(({ name }: { name: string }) => name);
    assert.deepEqual(
      body.data.map(({ name }: { name: string }) => name),
      names,
    );
    const { dbBytes, ...demo } = body.data.find(({ name }: { name: string }) => name === 'demo');
    assert.ok(dbBytes > 0);
    assert.deepEqual(demo, {
      name: 'demo',
      activeStreams: 0,
      wasLive: true,
      vodCount: 1,
      vodFailed: 1,
      vodBytes: 700,
    });
  });

  it('shows a new app in the next answer', async (t) => {
    const { api } = await testDaemon(t);
    assert.equal((await api.get('/stats')).body.counts.apps, 1);
    await api.post('/apps', { name: 'demo' });
    assert.equal((await api.get('/stats')).body.counts.apps, 2);
  });

  it('counts a broken app database as empty', async (t) => {
    const { api, services } = await testDaemon(t);
    services.databases.close('live');
    await writeFile(services.databases.file('live'), 'no database'.repeat(1000));
    const { status, body } = await api.get('/stats');
    assert.equal(status, 200);
    assert.equal(body.storage.vodCount, 0);
  });

  it('needs a credential, and any will do', async (t) => {
    const { api } = await testDaemon(t);
    assert.equal((await api.as(null).get('/stats')).status, 401);
    const appId = (await api.get('/apps/live')).body.id;
    const { token } = (await api.post('/tokens', { name: 'a', scope: 'app', appId })).body;
    assert.equal((await api.as(token).get('/stats')).status, 200);
  });

  it('says that LiveKit is not reachable when nothing listens, or it refuses the key, without a trace of the token', async (t) => {
    const seen: string[] = [];
    const url = await stranger(t, (request, response) => {
      seen.push(request.headers.authorization ?? '');
      response.writeHead(401, { 'content-type': 'text/plain' }).end(`invalid token: ${request.headers.authorization}`);
    });
    for (const LIVEKIT_URL of ['ws://127.0.0.1:1', url]) {
      const { api, services, dataDir, stop } = await testDaemon(t, { ...keys, LIVEKIT_URL, LOG_LEVEL: 'trace' });
      const { status, text, body } = await api.get('/stats');
      assert.equal(status, 200);
      assert.equal(body.livekitReachable, false);
      await services.logs.forgetApp(-1);
      const logged = await api.get('/logs?limit=1000');
      await stop();
      const file = await readFile(`${dataDir}/logs/streamhub.log`, 'utf8');
      for (const where of [text, logged.text, file]) assert.ok(!/eyJ[A-Za-z0-9_-]{10}/.test(where));
    }
    assert.ok(seen.length >= 3, 'rooms, egress and ingress');
    assert.match(seen[0] as string, /^Bearer eyJ/);
  });

  it('answers all the same when LiveKit is silent', async (t) => {
    const url = await stranger(t, (request) => void request.resume());
    const { api } = await testDaemon(t, { ...keys, LIVEKIT_URL: url });
    const answers = await Promise.all(Array.from({ length: 20 }, () => api.get('/stats')));
    for (const { status, body } of answers) assert.deepEqual([status, body.livekitReachable], [200, false]);
  });

  it('tells rooms, egress and ingress of a real LiveKit server', async (t) => {
    const livekit = startLivekit(t);
    if (typeof livekit === 'string') {
      t.skip(`no LiveKit server here: ${livekit}`);
      return;
    }
    const { api } = await testDaemon(t, livekit.env);
    await livekit.rooms.createRoom({ name: 'live-one' });
    await livekit.rooms.createRoom({ name: 'live-two' });
    // the answer of a moment ago can be of the time before the rooms
    const body = await until('both rooms are counted', async () => {
      const { body } = await api.get('/stats');
      return body.counts.rooms === 2 ? body : undefined;
    });
    assert.equal(body.livekitReachable, true);
    assert.deepEqual(body.egress, { reachable: true, active: 0, total: 0 });
    assert.deepEqual(body.ingress, { reachable: true, active: 0, total: 0 });
  });
});

describe('GET /health and /ready', () => {
  it('answer without a credential', async (t) => {
    const { api } = await testDaemon(t);
    const health = await api.as(null).get('/health');
    assert.equal(health.status, 200);
    assert.deepEqual(Object.keys(health.body), ['status', 'up', 'version', 'ts', 'uptimeSeconds']);
    const ready = await api.as(null).get('/ready');
    assert.equal(ready.status, 200);
    assert.equal(ready.body.status, 'ready');
  });

  it('/ready names what is wrong, /health does not care', async (t) => {
    const { api, services } = await testDaemon(t);
    services.health.addCheck('left hand', () => 'it is missing');
    services.health.addCheck('right hand', () => {
      throw Object.assign(new Error('/some/secret/path'), { code: 'EACCES' });
    });
    const { status, body, text } = await api.as(null).get('/ready');
    assert.equal(status, 503);
    assert.equal(body.code, 'NOT_READY');
    assert.ok(!text.includes('/some/secret/path'));
    assert.deepEqual(
      body.checks.filter((check: { ok: boolean }) => !check.ok),
      [
        { name: 'left hand', ok: false, detail: 'it is missing' },
        { name: 'right hand', ok: false, detail: 'EACCES' },
      ],
    );
    assert.equal((await api.as(null).get('/health')).status, 200);
  });
});
