import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type TestContext } from 'node:test';
import { checkHealth, recognise } from '#desktop/main/connections/probe.ts';
import { Transport } from '#desktop/main/connections/transport.ts';
import { DaemonConnection, type DaemonConnectionOptions } from '#shared/connection/daemon-connection.ts';
import { FetchTransport } from '#shared/connection/fetch-transport.ts';
import { packSecret } from '#shared/connection/secret.ts';
import type { ConnectionState, Snapshot } from '#shared/ipc/connections.ts';
import type { StreamEvent } from '#shared/ipc/events.ts';
import { failure } from '#shared/ipc/outcome.ts';
import { makeCertificate, tlsFront } from '../helpers/certificates.ts';
import { daemonProcess, TEST_TOKEN, temporaryDir, testDaemon } from '../helpers/daemon.ts';
import { freePort } from '../helpers/server-scripts.ts';

const QUICK = { healthMs: 60_000, pollMs: 40, snapshotMs: 60_000, silenceMs: 45_000, backoff: { base: 20, max: 80 } };

class Observed {
  readonly states: ConnectionState[] = [];
  readonly events: StreamEvent[] = [];
  readonly snapshots: Snapshot[] = [];
  gaps = 0;
  secret: string | null = packSecret({ kind: 'token', token: TEST_TOKEN });
  storeFailure: Error | undefined;
  readonly connection: DaemonConnection;
  #waiting = new Set<() => void>();

  constructor(t: TestContext, base: string, more: Partial<DaemonConnectionOptions> = {}) {
    this.connection = new DaemonConnection({
      name: () => 'test',
      transport: new Transport({ base, pinned: null }),
      checkHealth,
      recognise,
      lastSeenAt: null,
      version: null,
      timing: QUICK,
      readSecret: async () => {
        if (this.storeFailure) throw this.storeFailure;
        return this.secret;
      },
      writeSecret: async (secret) => {
        this.secret = secret;
      },
      onState: (state) => this.#told(() => this.states.push(state)),
      onEvents: (events) => this.#told(() => this.events.push(...events)),
      onGap: () =>
        this.#told(() => {
          this.gaps += 1;
        }),
      onSnapshot: (snapshot) => this.#told(() => this.snapshots.push(snapshot)),
      ...more,
    });
    t.after(() => this.connection.stop());
    this.connection.start();
  }

  #told(take: () => void): void {
    take();
    for (const look of [...this.#waiting]) look();
  }

  /** Resolves once the condition holds. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  reaches(status: ConnectionState['status']): Promise<void> {
    return this.until(() => this.connection.state.status === status);
  }
}

test('a daemon is reached, recognised, watched, and its events arrive in order', async (t) => {
  const daemon = await testDaemon(t);
  const seen = new Observed(t, daemon.url);
  await seen.until(() => seen.connection.state.live);
  const { status, account, version, latencyMs, lastSeenAt, error } = seen.connection.state;
  assert.equal(status, 'online');
  assert.deepEqual(account, (await daemon.api.get('/auth/me')).body.data);
  assert.equal(account?.scope, 'global');
  assert.match(version ?? '', /^\d+\.\d+\.\d+/);
  assert.ok(latencyMs !== null && latencyMs > 0);
  assert.ok(lastSeenAt);
  assert.equal(error, null);
  for (const name of ['one', 'two', 'three']) await daemon.api.post('/apps', { name });
  await seen.until(() => seen.events.filter((event) => event.type === 'app.created').length === 3);
  const created = seen.events.filter((event) => event.type === 'app.created');
  assert.deepEqual(
    created.map((event) => (event.data as { app: string }).app),
    ['one', 'two', 'three'],
  );
  assert.equal(seen.gaps, 0);
  await seen.until(() => seen.snapshots.length === 1);
  assert.equal((seen.snapshots[0]?.stats as { version: string } | undefined)?.version, version);
  assert.ok(!JSON.stringify(seen.states).includes(TEST_TOKEN));
});

test('a daemon that dies is offline with its reason and its age; back again, nothing that happened is missing', async (t) => {
  const dataDir = await temporaryDir(t);
  const env = { PORT: String(await freePort()) };
  const first = await daemonProcess(t, dataDir, env);
  const seen = new Observed(t, first.url);
  await seen.until(() => seen.connection.state.live);
  const { lastSeenAt, version } = seen.connection.state;
  await first.end('SIGKILL');
  await seen.reaches('offline');
  await seen.until(() => seen.connection.state.attempts >= 3);
  assert.equal(seen.connection.state.error?.code, 'CONNECTION_REFUSED');
  assert.ok(seen.connection.state.nextTryAt);
  assert.equal(seen.connection.state.version, version);
  assert.ok((seen.connection.state.lastSeenAt ?? '') >= (lastSeenAt ?? 'none'));
  assert.equal(seen.connection.state.live, false);
  await assert.rejects(seen.connection.request({ path: '/api/v1/apps' }), { code: 'CONNECTION_REFUSED' });

  const second = await daemonProcess(t, dataDir, env);
  // while nobody listens: the connection may or may not be back by now, the event must arrive either way, once
  await second.api.post('/apps', { name: 'meanwhile' });
  await seen.until(() => seen.connection.state.live && seen.events.some((event) => event.type === 'app.created'));
  assert.equal(seen.events.filter((event) => event.type === 'app.created').length, 1);
  assert.equal(seen.connection.state.attempts, 0);
  assert.equal(seen.gaps, 0);
});

test('another daemon in the old one’s place means that everything has to be read again', async (t) => {
  const env = { PORT: String(await freePort()) };
  const first = await testDaemon(t, env);
  await first.api.post('/apps', { name: 'one' });
  const seen = new Observed(t, first.url);
  await seen.until(() => seen.connection.state.live);
  await first.api.post('/apps', { name: 'two' });
  await seen.until(() => seen.events.some((event) => event.type === 'app.created'));
  await first.stop();
  await seen.reaches('offline');
  await testDaemon(t, env);
  await seen.until(() => seen.gaps === 1);
});

test('a revoked token signs out at once and is not sent again until a person asks', async (t) => {
  const daemon = await testDaemon(t);
  const { body } = await daemon.api.post('/tokens', { name: 'mine', scope: 'global' });
  const seen = new Observed(t, daemon.url, {
    readSecret: async () => packSecret({ kind: 'token', token: body.token }),
  });
  await seen.until(() => seen.connection.state.live);
  await daemon.api.delete(`/tokens/${body.id}`);
  await seen.reaches('signed-out');
  assert.equal(seen.connection.state.error?.code, 'SIGN_IN_FAILED');
  assert.equal(seen.connection.state.account, null);
  let sent = 0;
  daemon.app.server.on('request', (request: http.IncomingMessage) => {
    if (request.headers.authorization) sent += 1;
  });
  await assert.rejects(seen.connection.request({ path: '/api/v1/apps' }), { code: 'SIGN_IN_FAILED' });
  assert.equal(sent, 0);
  const before = seen.states.length;
  seen.connection.retry();
  await seen.until(() => seen.states.length > before && seen.connection.state.status === 'signed-out' && sent > 0);
});

test('a new credential is used at once', async (t) => {
  const daemon = await testDaemon(t);
  const seen = new Observed(t, daemon.url);
  seen.secret = null;
  await seen.reaches('signed-out');
  assert.equal(seen.connection.state.error?.code, 'NO_CREDENTIAL');
  seen.secret = packSecret({ kind: 'token', token: TEST_TOKEN });
  seen.connection.credentialChanged();
  await seen.reaches('online');
});

test('a locked keychain is named, and opening it is enough', async (t) => {
  const daemon = await testDaemon(t);
  const seen = new Observed(t, daemon.url);
  await seen.reaches('online');
  seen.storeFailure = failure('KEYCHAIN_LOCKED');
  seen.connection.credentialChanged();
  await seen.reaches('locked');
  assert.ok(seen.connection.state.lastSeenAt);
  seen.storeFailure = undefined;
  seen.connection.retry();
  await seen.reaches('online');
});

test('an unknown certificate is shown and waits for a person', async (t) => {
  const daemon = await testDaemon(t);
  const certificate = await makeCertificate('mine');
  const front = await tlsFront(t, daemon.url, certificate);
  const seen = new Observed(t, front.url);
  await seen.reaches('untrusted');
  assert.equal(seen.connection.state.certificate?.fingerprint, certificate.fingerprint);
  await seen.connection.reroute(new Transport({ base: front.url, pinned: certificate.fingerprint }));
  await seen.until(() => seen.connection.state.live);
  assert.equal(seen.connection.state.certificate, null);
  assert.equal(seen.connection.state.error, null);
});

test('something else at the address is not mistaken for a daemon', async (t) => {
  const answers: http.RequestListener[] = [
    (_q, r) => r.writeHead(200, { 'content-type': 'text/html' }).end('<h1>hello</h1>'),
    (_q, r) => r.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"ok","version":"0.0.9"}'),
    (_q, r) => r.writeHead(302, { location: 'https://elsewhere.example/login' }).end(),
    (_q, r) => r.writeHead(502, { 'content-type': 'text/html' }).end('bad gateway'),
  ];
  const expected = [
    ['unusable', 'NOT_STREAMHUB'],
    ['unusable', 'UNSUPPORTED_VERSION'],
    ['unusable', 'REDIRECTED'],
    ['offline', 'DAEMON_DOWN'],
  ];
  for (const [index, answer] of answers.entries()) {
    const server = http.createServer(answer).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close().closeAllConnections());
    const seen = new Observed(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await seen.until(() => seen.connection.state.attempts > 0);
    assert.deepEqual([seen.connection.state.status, seen.connection.state.error?.code], expected[index]);
    await seen.connection.stop();
  }
});

test('without an event stream its health is polled, and a fall is still noticed', async (t) => {
  const daemon = await testDaemon(t);
  let looks = 0;
  let away = false;
  const front = http.createServer((request, response) => {
    if (away) return void request.socket.destroy();
    if (request.url === '/api/v1/health') looks += 1;
    if (request.url === '/api/v1/events') return void response.writeHead(404).end('{}');
    const inner = http.request(
      daemon.url + request.url,
      { method: request.method, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      },
    );
    inner.on('error', () => response.destroy());
    request.pipe(inner);
  });
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');
  t.after(() => front.close().closeAllConnections());
  const seen = new Observed(t, `http://127.0.0.1:${(front.address() as AddressInfo).port}`);
  await seen.reaches('online');
  await seen.until(() => looks >= 3);
  assert.equal(seen.connection.state.live, false);
  away = true;
  await seen.reaches('offline');
  away = false;
  await seen.reaches('online');
});

test('an event stream that falls silent is given up and resumed', async (t) => {
  const daemon = await testDaemon(t);
  const seen = new Observed(t, daemon.url, { timing: { ...QUICK, silenceMs: 60 } });
  await seen.until(() => seen.states.filter((state) => state.live).length >= 3);
  assert.equal(seen.connection.state.status, 'online');
  await daemon.api.post('/apps', { name: 'one' });
  await seen.until(() => seen.events.some((event) => event.type === 'app.created'));
  assert.equal(seen.gaps, 0);
});

test('a page keeps the same connection by fetch, and can sign out while its daemon is away', async (t) => {
  const daemon = await testDaemon(t);
  const seen = new Observed(t, daemon.url, { transport: new FetchTransport(daemon.url), status: 'signed-out' });
  assert.equal(seen.connection.state.status, 'signed-out');
  await seen.until(() => seen.connection.state.live);
  assert.equal(seen.connection.state.account?.scope, 'global');
  await daemon.api.post('/apps', { name: 'one' });
  await seen.until(() => seen.events.some((event) => event.type === 'app.created'));
  await daemon.stop();
  await seen.reaches('offline');
  assert.equal(seen.connection.state.error?.code, 'CONNECTION_LOST');
  await assert.rejects(seen.connection.request({ path: '/api/v1/apps' }), { code: 'CONNECTION_LOST' });
  seen.secret = null;
  seen.connection.signedOut();
  assert.equal(seen.connection.state.status, 'signed-out');
  assert.equal(seen.connection.state.account, null);
});

test('a new credential is settled once the daemon has accepted or refused it', async (t) => {
  const daemon = await testDaemon(t);
  const seen = new Observed(t, daemon.url, { transport: new FetchTransport(daemon.url) });
  for (const [secret, status] of [
    ['sk_wrong', 'signed-out'],
    [TEST_TOKEN, 'online'],
  ] as const) {
    seen.secret = packSecret({ kind: 'token', token: secret });
    seen.connection.credentialChanged();
    await seen.connection.settled();
    assert.equal(seen.connection.state.status, status);
  }
});
