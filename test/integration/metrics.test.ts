import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, it } from 'node:test';
import { type TestDaemon, testDaemon } from '#test/helpers/daemon.ts';

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
    let inFlight = 0;
    while (inFlight < 2) inFlight = sampleOf(await scrape(daemon), 'http_requests_in_flight') ?? 0;
    socket.destroy();
    while (inFlight > 1) inFlight = sampleOf(await scrape(daemon), 'http_requests_in_flight') ?? 0;
    assert.equal(inFlight, 1);
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
