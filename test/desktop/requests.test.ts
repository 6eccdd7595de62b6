import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import test from 'node:test';
import { apiPath, pageHeaders } from '#desktop/main/connections/requests.ts';
import { operations } from '#shared/contract/index.ts';
import { SESSION_PATHS } from '#shared/ipc/connections.ts';
import { ipc } from '#shared/ipc/index.ts';
import { SignedIn } from '#shared/schema/auth.ts';
import { TEST_TOKEN, temporaryDir, testDaemon } from '../helpers/daemon.ts';
import { packedPlugin, providerCode } from '../helpers/plugins.ts';
import { codeOf, openApp, value } from './app.ts';

const credential = { kind: 'token', token: TEST_TOKEN } as const;

test('a page reaches the API and nothing else of a daemon', () => {
  for (const good of [
    '/api/v1/apps',
    '/api/v1/apps?limit=5&q=a%2Fb',
    '/api/v1/apps/live/config/raw',
    '/api/v1/apps/%C3%A4',
  ])
    assert.equal(apiPath(good), good);
  for (const bad of [
    '/metrics',
    '/api/v1',
    '/api/v2/apps',
    '/api/v1/../../metrics',
    '/api/v1/..%2f..%2fmetrics',
    '/api/v1/%2e%2e/%2e%2e/metrics',
    '//evil.example/api/v1/apps',
    '/api/v1/\\..\\..\\metrics',
    'http://evil.example/api/v1/apps',
    '/api/v1/%zz',
    ...SESSION_PATHS,
    '/api/v1/auth/login/',
    '/api/v1/auth/login?x=1',
    '/api/v1/auth//login',
    '/api/v1/auth/%6cogin',
    '/api/v1/AUTH/LOGIN',
    '/api/v1/x/../auth/login',
  ])
    assert.throws(() => apiPath(bad), { code: 'PATH_NOT_ALLOWED' }, bad);
});

test('every operation that answers with a session is closed to pages', () => {
  const answers = (schema: unknown): boolean => JSON.stringify(schema)?.includes(JSON.stringify(SignedIn)) ?? false;
  const giving = operations.filter(({ responses }) => Object.values(responses).some(answers));
  assert.deepEqual(giving.map((operation) => `/api/v1${operation.path}`).sort(), [...SESSION_PATHS].sort());
});

test('a page sets harmless headers only', () => {
  assert.deepEqual(pageHeaders({ 'If-Match': '"a"', Accept: 'text/csv' }), { 'if-match': '"a"', accept: 'text/csv' });
  for (const name of [
    'Authorization',
    'cookie',
    'Host',
    'x-forwarded-for',
    'X-Cluster-Token',
    'connection',
    'transfer-encoding',
  ])
    assert.throws(() => pageHeaders({ [name]: 'x' }), { code: 'HEADER_NOT_ALLOWED' }, name);
  assert.throws(() => pageHeaders({ accept: 'a\r\nauthorization: Bearer x' }), { code: 'HEADER_NOT_ALLOWED' });
});

test('requests carry the credential of the connection they name', async (t) => {
  const [one, two] = [await testDaemon(t), await testDaemon(t, { STREAMHUB_API_TOKEN: `sk_${'u'.repeat(43)}` })];
  const app = await openApp(t);
  const a = await value(app.page.connections.add({ url: one.url, credential, keep: 'session' }));
  const b = await value(
    app.page.connections.add({
      url: two.url,
      credential: { kind: 'token', token: `sk_${'u'.repeat(43)}` },
      keep: 'session',
    }),
  );
  for (const { id } of [a, b]) {
    const { status, headers, body } = await value(
      app.page.http.request({ connectionId: id, method: 'GET', path: '/api/v1/apps' }),
    );
    assert.equal(status, 200);
    assert.ok(headers['x-request-id']);
    assert.equal(JSON.parse(body)[0].name, 'live');
  }
  const raw = await value(
    app.page.http.request({ connectionId: a.id, method: 'GET', path: '/api/v1/apps/live/config/raw' }),
  );
  const etag = raw.headers['etag'] ?? '';
  assert.ok(etag);
  const conflict = await value(
    app.page.http.request({
      connectionId: a.id,
      method: 'PUT',
      path: '/api/v1/apps/live/config/raw',
      headers: { 'if-match': '"another"', 'content-type': 'application/json' },
      body: JSON.stringify({ yaml: `${JSON.parse(raw.body).data.yaml}\n# x\n` }),
    }),
  );
  assert.equal(conflict.status, 412);
  const missing = await value(app.page.http.request({ connectionId: a.id, method: 'GET', path: '/api/v1/apps/none' }));
  assert.deepEqual([missing.status, JSON.parse(missing.body).code], [404, 'APP_NOT_FOUND']);
  const call = { method: 'GET', path: '/api/v1/apps' } as const;
  assert.equal(await codeOf(app.page.http.request({ ...call, connectionId: 'none' })), 'UNKNOWN_CONNECTION');
  const login = { ...call, connectionId: a.id, path: '/api/v1/auth/login' };
  assert.equal(await codeOf(app.page.http.request(login)), 'PATH_NOT_ALLOWED');
});

test('a slow request can be given up, by time and by hand, and a redirect does not take the credential along', async (t) => {
  const daemon = await testDaemon(t);
  const asked = new Set<string>();
  let waiting: () => void = () => {};
  const arrived = new Promise<void>((resolve) => {
    waiting = resolve;
  });
  const elsewhere = http.createServer((request, response) => {
    asked.add(String(request.headers.authorization));
    response.end();
  });
  elsewhere.listen(0, '127.0.0.1');
  await once(elsewhere, 'listening');
  const front = http.createServer((request, response) => {
    if (request.url === '/api/v1/slow') return waiting();
    if (request.url === '/api/v1/away')
      return void response
        .writeHead(307, { location: `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/` })
        .end();
    const { method, headers } = request;
    const passed = http.request(daemon.url + request.url, { method, headers }, (inner) => {
      response.writeHead(inner.statusCode ?? 500, inner.headers);
      inner.pipe(response);
    });
    // the daemon stops first; the app may still try to connect
    request.pipe(passed.on('error', () => response.destroy()));
  });
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');
  t.after(() => {
    for (const server of [front, elsewhere]) server.close().closeAllConnections();
  });
  const app = await openApp(t);
  const url = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
  const { id } = await value(app.page.connections.add({ url, credential, keep: 'session' }));
  const slow = { connectionId: id, method: 'GET', path: '/api/v1/slow' } as const;
  const running = codeOf(app.page.http.request({ ...slow, requestId: 'r1' }));
  await arrived;
  await value(app.page.http.cancel({ requestId: 'r1' }));
  assert.equal(await running, 'CANCELLED');
  assert.equal(await codeOf(app.page.http.request({ ...slow, timeoutMs: 100 })), 'TIMED_OUT');
  assert.equal(await codeOf(app.page.http.request({ ...slow, path: '/api/v1/away' })), 'REDIRECTED');
  assert.equal(asked.size, 0);
  await value(app.page.http.cancel({ requestId: 'unknown' }));
});

test('events that a page missed are there, in order, until too much happened', async (t) => {
  const daemon = await testDaemon(t);
  const app = await openApp(t);
  const { id } = await value(app.page.connections.add({ url: daemon.url, credential, keep: 'session' }));
  await app.until(() => app.core.connections.get(id).connection.state.live);
  const heard: string[] = [];
  let last: string | null = null;
  const stop = app.page.events.onEvents(({ connectionId, events }) => {
    assert.equal(connectionId, id);
    for (const event of events) {
      heard.push(event.type);
      last = event.id ?? last;
    }
  });
  await daemon.api.post('/apps', { name: 'one' });
  await app.until(() => heard.includes('app.created'));
  stop();
  const seen = last;
  await daemon.api.post('/apps', { name: 'two' });
  await daemon.api.post('/apps', { name: 'three' });
  const created = (events: { type: string; data: unknown }[]) =>
    events.filter(({ type }) => type === 'app.created').map(({ data }) => (data as { app: string }).app);
  const missed = async () => await value(app.page.events.since({ connectionId: id, after: seen }));
  await app.until(
    () =>
      (app.core.connections.get(id).log.since(String(seen)) ?? []).filter((e) => e.type === 'app.created').length === 2,
  );
  assert.deepEqual(created((await missed()).events), ['two', 'three']);
  assert.equal((await missed()).complete, true);
  assert.deepEqual(await value(app.page.events.since({ connectionId: id, after: null })), {
    events: [],
    complete: true,
  });
  assert.equal((await value(app.page.events.since({ connectionId: id, after: '1' }))).complete, false);
});

test('a live tail of the log is opened, arrives in bundles, and ends when it is closed', async (t) => {
  const daemon = await testDaemon(t, { LOG_LEVEL: 'info' });
  const app = await openApp(t);
  const { id } = await value(app.page.connections.add({ url: daemon.url, credential, keep: 'session' }));
  const lines: unknown[] = [];
  const states: string[] = [];
  const { streamId } = await value(app.page.events.open({ connectionId: id, path: '/api/v1/events?topics=logs' }));
  app.page.events.onStream((push) => {
    if (push.streamId === streamId) lines.push(...push.events);
  });
  app.page.events.onStreamState((push) => {
    if (push.streamId === streamId) states.push(push.status);
  });
  await app.until(() => states.includes('open'));
  await daemon.api.post('/apps', { name: 'one' });
  await app.until(() => lines.some((event) => (event as { type: string }).type !== 'hello'));
  await value(app.page.events.close({ streamId }));
  await value(app.page.events.close({ streamId }));
  const refused = await value(app.page.events.open({ connectionId: id, path: '/api/v1/none' }));
  await app.until(() =>
    app.pushes.some(
      ({ channel, payload }) =>
        channel === 'events:streamState' &&
        payload.streamId === refused.streamId &&
        payload.status === 'closed' &&
        payload.error?.code === 'STREAM_REFUSED',
    ),
  );
  assert.equal(
    await codeOf(app.page.events.open({ connectionId: id, path: '/api/v1/../../metrics' })),
    'PATH_NOT_ALLOWED',
  );
  assert.equal(
    await codeOf(app.page.events.open({ connectionId: 'none', path: '/api/v1/events' })),
    'UNKNOWN_CONNECTION',
  );
});

test('a download becomes a whole file or none', async (t) => {
  const daemon = await testDaemon(t);
  const folder = await temporaryDir(t);
  const app = await openApp(t);
  app.core.shell.chooseFile = async (name) => path.join(folder, name);
  const { id } = await value(app.page.connections.add({ url: daemon.url, credential, keep: 'session' }));
  const wanted = { connectionId: id, path: '/api/v1/openapi.json', suggestedName: 'openapi.json' };
  const saved = await value(app.page.http.download(wanted));
  const text = await readFile(saved?.file ?? '', 'utf8');
  assert.equal(JSON.parse(text).info.title.length > 0, true);
  assert.equal(saved?.bytes, Buffer.byteLength(text));
  assert.equal(
    await codeOf(app.page.http.download({ ...wanted, path: '/api/v1/none', suggestedName: 'none.txt' })),
    'DOWNLOAD_FAILED',
  );
  assert.deepEqual(await readdir(folder), ['openapi.json']);
  assert.equal(await codeOf(app.page.http.download({ ...wanted, suggestedName: '../x' })), 'BAD_CALL');
  app.core.shell.chooseFile = async () => null;
  assert.equal(await value(app.page.http.download(wanted)), null);
});

test('a file of a page arrives whole', async (t) => {
  const daemon = await testDaemon(t);
  const app = await openApp(t);
  const { id } = await value(app.page.connections.add({ url: daemon.url, credential, keep: 'session' }));
  const archive = await packedPlugin('carried', providerCode('carried', ''), {
    providers: ['carried'],
    manifest: { version: '1.0.0' },
  });
  const { status, body } = await value(
    app.page.http.request({
      connectionId: id,
      method: 'POST',
      path: '/api/v1/plugins',
      headers: { 'content-type': 'application/gzip' },
      file: Buffer.from(archive).toString('base64'),
    }),
  );
  assert.equal(status, 201, body);
  const { data } = JSON.parse(body);
  assert.deepEqual([data.id, data.version], ['carried', '1.0.0']);
});

test('what does not fit the contract never reaches a handler', async (t) => {
  const app = await openApp(t);
  const code = async (channel: string, args: unknown) => {
    const outcome = await app.core.dispatch(channel, args);
    return outcome.ok ? 'ok' : outcome.error.code;
  };
  assert.equal(await code('connections:explode', {}), 'UNKNOWN_CHANNEL');
  assert.equal(await code('__proto__:toString', {}), 'UNKNOWN_CHANNEL');
  assert.equal(await code('desktop:openExternal', { url: 'file:///etc/passwd' }), 'BAD_URL');
  for (const [area, { calls }] of Object.entries(ipc)) {
    for (const name of Object.keys(calls)) {
      for (const args of [undefined, null, 'x', [], { unknown: 1 }])
        assert.equal(await code(`${area}:${name}`, args), 'BAD_CALL', `${area}:${name} took ${JSON.stringify(args)}`);
    }
  }
});
