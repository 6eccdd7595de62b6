import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { testDaemon } from '#test/helpers/daemon.ts';
import { configOf, setConfig } from '#test/helpers/live-hls.ts';
import { startLivekit } from '#test/helpers/livekit.ts';
import { LIVEKIT_KEYS } from '#test/helpers/livekit-webhook.ts';
import { until } from '#test/helpers/until.ts';

async function serve(t: TestContext, handler: http.RequestListener): Promise<string> {
  const server = http.createServer(handler).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const ANSWERS: Record<string, [status: number, type: string, body: string, headers?: Record<string, string>]> = {
  'an S3 server': [403, 'application/xml', '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'],
  'an S3 server that knows no POST': [405, 'application/xml', '<Error><Code>MethodNotAllowed</Code></Error>'],
  'a page for 404': [404, 'text/html', '<html><body>Not found</body></html>'],
  'a plain 404': [404, 'text/plain', '404 page not found'],
  'a welcome page': [200, 'text/html', '<html><body>Welcome to nginx!</body></html>'],
  'an API that says yes to anything': [200, 'application/json', '{}'],
  'an API with its own errors': [404, 'application/json', '{"error":"no such route"}'],
  'an API whose errors have codes': [403, 'application/json', '{"code":"AccessDenied","message":"no"}'],
  'a sign-in page': [302, 'text/html', '', { location: '/login' }],
  'a proxy that asks for a password': [401, 'text/html', '<html>Authorization required</html>'],
};

test('what is not LiveKit is not reachable, by any of the ways to ask', async (t) => {
  for (const [name, [status, type, body, headers = {}]] of Object.entries(ANSWERS)) {
    const url = await serve(t, (_request, response) => {
      response.writeHead(status, { 'content-type': type, ...headers }).end(body);
    });
    const { api, stop } = await testDaemon(t, { ...LIVEKIT_KEYS, LIVEKIT_URL: url });
    const stats = (await api.get('/stats')).body;
    assert.equal(stats.livekitReachable, false, name);
    await until('LiveKit was asked', async () => (await api.get('/system/livekit')).body.data.status !== 'unknown');
    const { status: said, reason } = (await api.get('/system/livekit')).body.data;
    assert.equal(said, 'unreachable', name);
    assert.match(reason, /is not LiveKit/, name);
    await stop();
  }
});

test('a path in LIVEKIT_URL is kept, and LiveKit’s clock is measured', async (t) => {
  const livekit = startLivekit(t);
  if (typeof livekit === 'string') return t.skip(livekit);
  const paths = new Set<string>();
  const target = new URL(livekit.url.replace(/^ws/, 'http'));
  const url = await serve(t, (request, response) => {
    paths.add(request.url ?? '');
    if (!request.url?.startsWith('/media/')) return void response.writeHead(404).end('nothing here');
    const onward = http.request(
      new URL(request.url.slice('/media'.length), target),
      { method: request.method, headers: request.headers },
      (answer) => {
        const date = new Date(Date.now() + 120_000).toUTCString();
        response.writeHead(answer.statusCode ?? 500, { ...answer.headers, date });
        answer.pipe(response);
      },
    );
    // the daemon keeps asking after LiveKit has ended
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  const { api } = await testDaemon(t, { ...livekit.env, LIVEKIT_URL: `${url.replace('http', 'ws')}/media/` });
  assert.equal((await api.get('/stats')).body.livekitReachable, true);
  const { data } = (await api.get('/system/livekit')).body;
  assert.equal(data.status, 'reachable');
  assert.ok(Math.abs(data.clock.differenceSeconds - 120) <= 3, String(data.clock.differenceSeconds));
  assert.match(data.hint, /clock is 1(19|2\d) s ahead/);
  assert.ok(
    [...paths].every((path) => path.startsWith('/media/twirp/')),
    [...paths].join(),
  );
});

test('live HLS that is stopped while LiveKit fails to start it is stopped, and only the start is an error', async (t) => {
  const { promise: isAsked, resolve } = Promise.withResolvers<() => void>();
  const url = await serve(t, ({ url: path }, response) => {
    if (path?.endsWith('/ListParticipants')) resolve(() => response.destroy());
    else response.destroy();
  });
  const { api, services } = await testDaemon(t, { ...LIVEKIT_KEYS, LIVEKIT_URL: url });
  await setConfig(api, configOf({ segment_seconds: 1, list_size: 7 }));
  const stream = services.databases.get('live').prepare(
    `INSERT INTO streams (app_id, stream_id, type, room, participant, participant_sid, status, started_at)
     VALUES (1, 'PA_1', 'webrtc', 'live', 'ana', 'PA_1', 'active', '2026-11-30T00:00:00.000Z')`,
  );
  stream.run();
  const starting = api.call('POST', '/apps/live/streams/PA_1/hls/start');
  const fail = await isAsked;
  const stopping = services.liveHls.end('live', 'PA_1');
  fail();
  assert.deepEqual([(await starting).body.code, (await stopping).stream_id], ['LIVEKIT_UNREACHABLE', 'PA_1']);
});
