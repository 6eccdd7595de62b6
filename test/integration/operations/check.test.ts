import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { lookAt } from '#daemon/edge/look.ts';
import { MasterClient } from '#daemon/edge/master-client.ts';
import type { CheckReport } from '#shared/schema/check.ts';
import type { Looked } from '#shared/schema/cluster.ts';
import { BIN, type Client, TEST_TOKEN, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { startLivekit } from '#test/helpers/livekit.ts';
import { LIVEKIT_KEYS } from '#test/helpers/livekit-webhook.ts';
import { missing, startProxy } from '#test/helpers/proxies.ts';
import { freePort } from '#test/helpers/server-scripts.ts';
import { until } from '#test/helpers/until.ts';

async function checked(api: Client): Promise<CheckReport> {
  const answer = await api.post('/system/check');
  assert.equal(answer.status, 200, answer.text);
  const report = answer.body.data as CheckReport;
  assert.equal(
    report.ok,
    report.checks.every(({ state }) => state !== 'failed'),
  );
  return report;
}
const found = ({ checks }: CheckReport, id: string, subject: string | null = null) => {
  const check = checks.find((one) => one.id === id && one.subject === subject);
  assert.ok(check, `no check ${id} ${subject}`);
  return check;
};

/** `streamhub doctor` as a separate program. */
async function doctor(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [BIN, 'doctor', ...args],
      { env: { PATH: process.env['PATH'], NO_COLOR: '1', ...env } },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

test('a fresh daemon says what is missing, without a secret, to an operator only', async (t) => {
  const daemon = await testDaemon(t, {
    STREAMHUB_SMTP_PASS: 'a-word-for-the-mail',
    METRICS_TOKEN: 'a-word-for-metrics',
  });
  const report = await checked(daemon.api);
  assert.equal(report.ok, false);
  assert.match(found(report, 'livekit').message, /are not set/);
  assert.ok(found(report, 'livekit').cure);
  assert.equal(found(report, 'livekit-webhooks').state, 'skipped');
  assert.equal(found(report, 'databases').state, 'ok');
  assert.equal(found(report, 'public-address').state, 'warning');
  assert.ok(report.settings.some(({ name }) => name === 'METRICS_TOKEN'));
  const text = JSON.stringify(report);
  for (const secret of [TEST_TOKEN, 'a-word-for-the-mail', 'a-word-for-metrics']) assert.ok(!text.includes(secret));
  const appId = (await daemon.api.get('/apps/live')).body.data?.id ?? (await daemon.api.get('/apps/live')).body.id;
  const app = await daemon.api.post('/tokens', { name: 'one app', scope: 'app', appId });
  assert.equal((await daemon.api.as(app.body.token).post('/system/check')).status, 403);
  assert.equal((await daemon.api.as(null).get(`/system/check/probes/${'x'.repeat(22)}`)).status, 404);
});

test('the public address: this daemon, another server, a proxy that is not trusted', {
  skip: missing('nginx'),
}, async (t) => {
  const port = String(await freePort());
  const proxy = await startProxy(t, 'nginx', { target: `http://127.0.0.1:${port}`, base: '/hub', strips: true });
  const daemon = await testDaemon(t, { PORT: port, PUBLIC_BASE_URL: `${proxy}/hub` });
  const here = found(await checked(daemon.api), 'public-address');
  assert.deepEqual([here.state, /through a trusted proxy/.test(here.message)], ['ok', true], here.message);

  const set = (values: object) => daemon.api.patch('/system/settings', { values });
  assert.equal((await set({ STREAMHUB_TRUSTED_PROXIES: ['10.1.2.3'] })).status, 200);
  const untrusted = found(await checked(daemon.api), 'public-address');
  assert.equal(untrusted.state, 'failed', untrusted.message);
  assert.match(untrusted.cure ?? '', /Add 127\.0\.0\.1 to STREAMHUB_TRUSTED_PROXIES/);

  const other = http.createServer((_request, response) => response.end('{"protocol":"http"}'));
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const foreign = await testDaemon(t, {
    PUBLIC_BASE_URL: `http://127.0.0.1:${(other.address() as AddressInfo).port}`,
  });
  const elsewhere = found(await checked(foreign.api), 'public-address');
  assert.equal(elsewhere.state, 'failed');
  assert.match(elsewhere.message, /does not lead to this daemon/);
});

test('a node looks at the ports from outside', async (t) => {
  const server = createServer((socket) => socket.destroy());
  server.listen(0, '127.0.0.2');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const daemon = await testDaemon(t, {
    ...LIVEKIT_KEYS,
    LIVEKIT_URL: 'ws://127.0.0.1:9',
    PUBLIC_WS_URL: `ws://127.0.0.2:${port}`,
    STREAMHUB_CLUSTER_TOKEN: 'clt_0123456789abcdef',
  });
  const alone = found(await checked(daemon.api), 'ports');
  assert.equal(alone.state, 'skipped');
  const node = new MasterClient(daemon.url, 'clt_0123456789abcdef');
  const { nodeId } = await node.join({ name: 'edge-1', url: 'ws://127.0.0.3:7880', ip: '127.0.0.3' } as never);
  const livekit = { state: 'running', nodeId: null, rooms: 0, participants: 0, clients: 0, foreignClients: 0 } as const;
  const agent = { version: '0.1.0', supervisor: 'child', livekit } as const;
  const beat = (looked?: Looked) =>
    node.heartbeat({ nodeId, instance: 'x'.repeat(32), agent, ...(looked ? { looked } : {}) });
  await beat();
  const report = checked(daemon.api);
  const look = await until('the question', async () => (await beat()).look);
  await beat(await lookAt(look));
  const seen = found(await report, 'ports', 'edge-1');
  assert.equal(seen.state, 'warning', seen.message);
  assert.match(
    seen.message,
    /edge-1 can’t connect to 127\.0\.0\.2:7881 \(LiveKit’s media over TCP\): the connection was refused/,
  );
  assert.ok(!seen.message.includes(`:${port}`));
});

test('webhooks of a real LiveKit arrive, or the check says what to add', async (t) => {
  const livekit = startLivekit(t, { tellsDaemon: true });
  if (typeof livekit === 'string') {
    t.skip(livekit);
    return;
  }
  const daemon = await testDaemon(t, livekit.env);
  // rooms of any name belong to it
  await daemon.api.post('/apps', { name: 'all', roomPrefix: '' });
  const report = await checked(daemon.api);
  const webhooks = found(report, 'livekit-webhooks');
  assert.equal(webhooks.state, 'ok', webhooks.message);
  assert.equal(found(report, 'livekit').state, 'ok');
  assert.equal(found(report, 'livekit-address').state, 'ok');
  assert.match(found(report, 'egress').message, /No egress service is connected/);
  const { body } = await daemon.api.get('/sessions');
  assert.deepEqual(body.data, []);

  // it has the keys, but LiveKit tells another one
  const { PORT: _port, ...env } = livekit.env;
  const unheard = await testDaemon(t, env);
  const missingOne = found(await checked(unheard.api), 'livekit-webhooks');
  assert.equal(missingOne.state, 'failed');
  assert.match(missingOne.cure ?? '', /\/api\/v1\/webhooks\/livekit to webhook\.urls/);
});

test('the command asks the running daemon, or looks itself', async (t) => {
  const daemon = await testDaemon(t);
  const { dataDir } = daemon;
  const asked = await doctor(['--json', '--data-dir', dataDir], { STREAMHUB_TOKEN: TEST_TOKEN });
  assert.equal(asked.code, 1, asked.stderr);
  const report = JSON.parse(asked.stdout) as CheckReport;
  assert.equal(found(report, 'open-files').group, 'machine');
  const alone = await doctor(['--data-dir', dataDir]);
  assert.match(alone.stdout, /Set STREAMHUB_TOKEN/);
  // the daemon may have it from elsewhere
  assert.match(alone.stdout, /warning {2}LiveKit: .*\n +→ .*If the daemon has no key/);
  const unstarted = await doctor(['--data-dir', await temporaryDir(t)]);
  assert.match(unstarted.stdout, /FAILED {3}LiveKit: .*\n +→ Copy both/);

  await daemon.stop();
  const file = path.join(dataDir, 'apps', 'live', 'app.db');
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.fill(0x55, 4096, 4096 * 3));
  const damaged = await doctor(['--json', '--data-dir', dataDir]);
  assert.equal(damaged.code, 1);
  const databases = found(JSON.parse(damaged.stdout), 'databases');
  assert.equal(databases.state, 'failed');
  assert.match(databases.message, /apps\/live\/app\.db/);
  assert.equal(found(JSON.parse(damaged.stdout), 'app-folders').state, 'ok');
  mkdirSync(path.join(dataDir, 'apps', 'stray'));
  writeFileSync(path.join(dataDir, 'apps', 'stray', 'config.yaml'), 'name: stray\n');
  const strays = found(JSON.parse((await doctor(['--json', '--data-dir', dataDir])).stdout), 'app-folders');
  assert.deepEqual([strays.state, /apps: stray\.$/.test(strays.message)], ['warning', true], strays.message);
  assert.equal((await doctor(['--nonsense'])).code, 2);
});
