import assert from 'node:assert/strict';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, it } from 'node:test';
import { FAMILIES } from '#daemon/operations/metrics/families.ts';
import { AppScan } from '#daemon/operations/system/app-scan.ts';
import { callbackReceiver } from '#test/helpers/callback-receiver.ts';
import { ROOT, type TestDaemon, testDaemon } from '#test/helpers/daemon.ts';
import { readEvents } from '#test/helpers/event-reader.ts';
import { event, LIVEKIT_KEYS, sendWebhook } from '#test/helpers/livekit-webhook.ts';
import { makeTeam } from '#test/helpers/people.ts';
import { until } from '#test/helpers/until.ts';

const TOKEN = 'metrics-token-1';
const env = { METRICS_TOKEN: TOKEN };

async function scrape({ api }: TestDaemon): Promise<string[]> {
  const { status, text } = await api.as(TOKEN).get('//metrics');
  assert.equal(status, 200);
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}
const sampleOf = (lines: string[], name: string, ...labels: string[]): number | undefined => {
  const line = lines.find(
    (text) =>
      text.startsWith(`streamhub_${name}`) &&
      /[ {]/.test(text[`streamhub_${name}`.length] ?? '') &&
      labels.every((label) => text.includes(label)),
  );
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
};

describe('GET /metrics', () => {
  it('is 404 while the token is unset', async (t) => {
    const { api } = await testDaemon(t);
    const { status, body } = await api.get('//metrics');
    assert.deepEqual([status, body.code], [404, 'METRICS_DISABLED']);
  });

  it('opens to the token only, as Bearer or in the query', async (t) => {
    const { api, token } = await testDaemon(t, env);
    const good = await api.as(TOKEN).get('//metrics');
    assert.equal(good.status, 200);
    assert.match(good.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    assert.equal(good.headers.get('cache-control'), 'no-store');
    assert.equal((await api.as(null).get(`//metrics?token=${TOKEN}`)).status, 200);
    for (const [bearer, query] of [
      [null, ''],
      [null, '?token=wrong'],
      [token, ''],
      ['wrong', ''],
    ] as const) {
      const refused = await api.as(bearer).get(`//metrics${query}`);
      assert.deepEqual([refused.status, refused.body.code], [403, 'METRICS_FORBIDDEN']);
      assert.equal(refused.headers.get('cache-control'), 'no-store');
    }
  });

  it('counts every request with the status that was sent, by pattern of its route', async (t) => {
    const daemon = await testDaemon(t, env);
    const { api } = daemon;
    await api.get('/apps/live');
    await api.get('/apps/nobody');
    await api.get('/apps/nobody-else');
    await api.as(null).get('/apps/live');
    await api.post('/apps', { name: 'BAD NAME' });
    await api.post('/apps', { name: 'live' });
    await api.post('/apps', { name: 'fresh' });
    await api.get('/no/such/route');
    const lines = await scrape(daemon);
    const requests = (method: string, route: string, status: number) =>
      sampleOf(lines, 'http_requests_total', `method="${method}"`, `route="${route}"`, `status="${status}"`);
    assert.equal(requests('GET', '/api/v1/apps/:name', 200), 1);
    assert.equal(requests('GET', '/api/v1/apps/:name', 404), 2);
    assert.equal(requests('GET', '/api/v1/apps/:name', 401), 1);
    assert.equal(requests('POST', '/api/v1/apps', 400), 1);
    assert.equal(requests('POST', '/api/v1/apps', 409), 1);
    assert.equal(requests('POST', '/api/v1/apps', 201), 1);
    assert.equal(
      sampleOf(lines, 'http_request_duration_seconds_count', 'route="/api/v1/apps/:name"', 'status="404"'),
      2,
    );
    assert.equal(sampleOf(lines, 'errors_total', 'source="http"', 'code="APP_NOT_FOUND"'), 2);
    assert.equal(sampleOf(lines, 'errors_total', 'code="UNAUTHENTICATED"'), 1);
    assert.equal(sampleOf(lines, 'errors_total', 'code="ROUTE_NOT_FOUND"'), 1);
    assert.equal(sampleOf(lines, 'http_requests_in_flight'), 1, 'the scrape itself');
    assert.ok(!lines.some((line) => line.includes('nobody') || line.includes('/no/such/route')));
  });

  it('counts unknown routes as unmatched', async (t) => {
    const daemon = await testDaemon(t, env);
    await daemon.api.get('/no/such/route');
    assert.equal(sampleOf(await scrape(daemon), 'http_requests_total', 'route="unmatched"', 'status="404"'), 1);
  });

  it('lets go of requests whose client left', async (t) => {
    const daemon = await testDaemon(t, env);
    const { hostname, port } = new URL(daemon.url);
    const socket = net.connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.write('POST /api/v1/apps HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n');
    socket.write(`Authorization: Bearer ${daemon.token}\r\n\r\n{"name"`);
    const inFlight = async () => sampleOf(await scrape(daemon), 'http_requests_in_flight') ?? 0;
    await until('two requests are in flight', async () => (await inFlight()) === 2);
    socket.destroy();
    await until('only the scrape is in flight', async () => (await inFlight()) === 1);
  });

  it('tells gauges as they are at the scrape', async (t) => {
    const daemon = await testDaemon(t, env);
    await daemon.api.get('/system/gpu');
    await daemon.api.post('/apps', { name: 'fresh' });
    daemon.services.databases
      .get('fresh')
      .prepare(
        "INSERT INTO vods (app_id, room, name, status, started_at) VALUES (2, 'fresh', 'a', 'uploading', '2026-01-01')",
      )
      .run();
    const lines = await scrape(daemon);
    assert.equal(sampleOf(lines, 'apps', 'tenant="platform"'), 2);
    assert.equal(sampleOf(lines, 'vods', 'app="fresh"', 'status="uploading"'), 1);
    assert.equal(sampleOf(lines, 'vods', 'app="fresh"', 'status="ready"'), 0);
    assert.equal(sampleOf(lines, 'upload_queue_depth', 'app="fresh"'), 1);
    assert.equal(sampleOf(lines, 'active_streams', 'app="fresh"'), 0);
    assert.equal(sampleOf(lines, 'gpu_available', 'type="none"'), 1);
    assert.equal(sampleOf(lines, 'gpu_available', 'type="nvidia"'), 0);
    assert.equal(sampleOf(lines, 'nodes', 'status="draining"'), 0);
    assert.equal(sampleOf(lines, 'nodes_stale'), 0);
  });

  it('tells quotas of teams and what they use of them', async (t) => {
    const daemon = await testDaemon(t, env);
    const team = await makeTeam(daemon, 'acme', { maxStorageGb: 7 });
    assert.equal((await team.owner.api.post('/apps', { name: 'fresh' })).status, 201);
    const db = daemon.services.databases.get('fresh');
    const vod = db.prepare(
      'INSERT INTO vods (app_id, room, name, status, started_at, size_bytes, duration_s) VALUES (2, ?, ?, ?, ?, ?, ?)',
    );
    vod.run('fresh', 'a', 'ready', new Date().toISOString(), 3e9, 120);
    vod.run('fresh', 'b', 'ready', '2020-01-01T00:00:00.000Z', 1e9, 6000);
    db.prepare(
      "INSERT INTO streams (app_id, stream_id, type, room, status, started_at) VALUES (2, 'PA_1', 'webrtc', 'fresh', 'active', '2026-01-01')",
    ).run();
    const lines = await scrape(daemon);
    const tenant = `tenant="${team.id}"`;
    const told = (family: string) =>
      ['apps', 'concurrent_streams', 'recording_minutes_month', 'storage_gb', 'egress_gb_month'].map((metric) =>
        sampleOf(lines, family, tenant, `metric="${metric}"`),
      );
    assert.deepEqual(told('tenant_usage'), [1, 1, 2, 4, undefined]);
    assert.deepEqual(told('tenant_quota'), [2, 2, 300, 7, 5]);
    assert.equal(sampleOf(lines, 'tenant_quota', 'tenant="platform"', 'metric="apps"'), -1);
    assert.equal(sampleOf(lines, 'tenant_usage', 'tenant="platform"', 'metric="apps"'), 1);
  });

  it('counts a recording that runs since last month from the first of this month, as the quota does', async (t) => {
    const daemon = await testDaemon(t, env);
    const vod = daemon.services.databases
      .get('live')
      .prepare("INSERT INTO vods (app_id, room, name, status, started_at) VALUES (1, 'live', 'a', 'recording', ?)");
    const month = Date.parse(`${new Date().toISOString().slice(0, 7)}-01`);
    vod.run(new Date(month - 3_600_000).toISOString());
    const minutesOfMonth = () => (Date.now() - month) / 60_000;
    const least = minutesOfMonth();
    const minutes = async () =>
      sampleOf(await scrape(daemon), 'tenant_usage', 'tenant="platform"', 'metric="recording_minutes_month"') ?? 0;
    const { recordingMinutesMonth } = (await daemon.api.get('/tenants/platform/usage')).body.data.usage;
    const figures = [recordingMinutesMonth, await minutes()];
    const most = minutesOfMonth();
    for (const told of figures) assert.ok(told > least - 0.1 && told < most + 0.1, `${told}, not ${least} to ${most}`);
    // nothing in the database changes
    const scan = new AppScan({ names: () => ['live'], file: () => path.join(daemon.dataDir, 'apps/live/app.db') });
    const seconds = async () => (await scan.scan())[0]?.recordedSecondsMonth ?? 0;
    const before = await seconds();
    await until('a longer recording', async () => (await seconds()) > before);
  });

  it('counts uploads, what storage refuses, encodings and callbacks', async (t) => {
    const daemon = await testDaemon(t, { ...env, ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9' });
    const { api } = daemon;
    const receiver = await callbackReceiver(t);
    await api.patch('/apps/live', { callbackUrl: receiver.url });
    const bucket = { bucket: 'b', region: 'us-east-1', endpoint: 'http://127.0.0.1:9', forcePathStyle: true };
    await api.put('/apps/live/s3', { provider: 'minio', ...bucket, key: 'AKIDEXAMPLE', secret: 'secret-example-1' });
    const egress = (id: string, status: string, more: object = {}) =>
      sendWebhook(
        daemon.url,
        event(status === 'EGRESS_ACTIVE' ? 'egress_started' : 'egress_ended', {
          egressInfo: {
            egressId: id,
            roomName: 'live',
            status,
            roomComposite: { roomName: 'live', fileOutputs: [{ filepath: `${id}.mp4`, s3: bucket }] },
            ...more,
          },
        }),
      );
    await egress('EG_1', 'EGRESS_ACTIVE');
    await egress('EG_1', 'EGRESS_COMPLETE', { fileResults: [{ filename: 'EG_1.mp4', size: '4321', duration: '5' }] });
    await egress('EG_2', 'EGRESS_FAILED', { error: 'upload failed: AccessDenied' });
    const [vod] = (await api.get('/apps/live/vods?status=ready')).body.data;
    assert.equal((await api.delete(`/apps/live/vods/${vod.id}`)).status, 502);
    await api.post('/apps/live/s3/test', {});
    await receiver.next();
    await until('the callback is counted', async () =>
      sampleOf(await scrape(daemon), 'callbacks_total', 'event="egress_started"'),
    );
    // its bucket is away, so it is told with LiveKit's figures after half a minute
    await until('the recording is told', async () =>
      sampleOf(await scrape(daemon), 'vods_generated_total', 'app="live"'),
    );
    assert.equal((await api.delete('/apps/live?deleteVods=true')).status, 502);
    const lines = await scrape(daemon);
    for (const [wanted, name, ...labels] of [
      [1, 's3_uploads_total', 'provider="minio"', 'result="ok"'],
      [1, 's3_uploads_total', 'provider="minio"', 'result="fail"'],
      [4321, 's3_upload_bytes_total', 'provider="minio"'],
      // the object of the recording, then the same one with the app: the failed recording left no file
      [2, 's3_errors_total', 'op="delete"'],
      [1, 's3_errors_total', 'op="upload"'],
      [1, 's3_errors_total', 'op="connect"'],
      [2, 'media_transcode_total', 'kind="egress"', 'accel="cpu"', 'type="none"'],
      [2, 'recordings_started_total', 'app="live"'],
      [1, 'vods_generated_total', 'app="live"'],
      [1, 'recording_failures_total', 'app="live"', 'reason="upload"'],
      [1, 'errors_total', 'source="recording"', 'code="upload"'],
      [1, 'errors_total', 'source="livekit"', 'code="unreachable"'],
      [1, 'errors_total', 'source="jobs"', 'code="app-delete"'],
      [1, 'callbacks_total', 'app="live"', 'event="egress_started"', 'result="delivered"'],
    ] as const) {
      assert.equal(sampleOf(lines, name, ...labels), wanted, `${name} ${labels.join(' ')}\n${lines.join('\n')}`);
    }
  });

  it('every family that is declared is fed by something', async (t) => {
    const daemon = await testDaemon(t, env);
    const fed = daemon.services.metrics.fed;
    const sources = globSync('daemon/**/*.ts', { cwd: ROOT })
      .filter((file) => !file.endsWith('.test.ts'))
      .map((file) => readFileSync(path.join(ROOT, file), 'utf8'))
      .join('\n');
    for (const [name, family] of Object.entries(FAMILIES)) {
      const verb = family.type === 'counter' ? 'count' : family.type === 'histogram' ? 'observe' : 'collect';
      assert.match(sources, new RegExp(`\\b${verb}\\(\\s*'${name}'`), name);
      if (family.type === 'gauge') assert.ok(fed.has(name as never), name);
    }
  });

  it('does not count the end of an event stream as a failure', async (t) => {
    const daemon = await testDaemon(t, env);
    const reader = await readEvents(t, daemon.url, daemon.token);
    await reader.next('hello');
    reader.close();
    const counted = await until('the stream is counted', async () => {
      const lines = await scrape(daemon);
      assert.equal(sampleOf(lines, 'errors_total'), undefined);
      return sampleOf(lines, 'http_requests_total', 'route="/api/v1/events"', 'status="200"');
    });
    assert.equal(counted, 1);
  });

  it('keeps answering when a part cannot be gathered', async (t) => {
    const daemon = await testDaemon(t, env);
    daemon.services.metrics.collect('stream_viewers', () => {
      throw new Error('no idea');
    });
    assert.equal(sampleOf(await scrape(daemon), 'apps', 'tenant="platform"'), 1);
  });

  it('has process metrics unless they are switched off', async (t) => {
    const has = (lines: string[]): boolean => lines.some((line) => line.startsWith('process_cpu_seconds_total'));
    assert.equal(has(await scrape(await testDaemon(t, env))), true);
    assert.equal(has(await scrape(await testDaemon(t, { ...env, METRICS_DEFAULT_METRICS: 'off' }))), false);
  });
});
