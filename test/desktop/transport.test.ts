import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import test, { type TestContext } from 'node:test';
import tls from 'node:tls';
import zlib from 'node:zlib';
import { Transport } from '#desktop/main/connections/transport.ts';
import type { IpcFailure } from '#shared/ipc/outcome.ts';
import { makeCertificate, tlsFront } from '../helpers/certificates.ts';
import { testDaemon } from '../helpers/daemon.ts';
import { muteServer } from '../helpers/proxies.ts';

const authority = await makeCertificate('Test authority', { authority: true });
tls.setDefaultCACertificates([...tls.getCACertificates('default'), authority.cert]);

function open(t: TestContext, base: string, pinned: string | null = null): Transport {
  const transport = new Transport({ base, pinned });
  t.after(() => transport.close());
  return transport;
}

async function server(t: TestContext, answer: http.RequestListener): Promise<string> {
  const made = http.createServer(answer).listen(0, '127.0.0.1');
  await once(made, 'listening');
  t.after(() => {
    made.closeAllConnections();
    made.close();
  });
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}`;
}

const failing = async (promise: Promise<unknown>, code: string): Promise<IpcFailure> => {
  try {
    await promise;
  } catch (error) {
    assert.equal((error as IpcFailure).code, code, (error as Error).stack);
    return error as IpcFailure;
  }
  assert.fail(`should have failed with ${code}`);
};

test('a request and its answer pass through, refusals too', async (t) => {
  const daemon = await testDaemon(t);
  const transport = open(t, daemon.url);
  const headers = { authorization: `Bearer ${daemon.token}`, 'content-type': 'application/json' };
  const made = await transport.request({ method: 'POST', path: '/api/v1/apps', headers, body: '{"name":"demo"}' });
  assert.equal(made.status, 201);
  assert.equal(JSON.parse(made.body).name, 'demo');
  assert.match(made.headers['content-type'] ?? '', /^application\/json/);
  assert.ok(made.headers['x-request-id']);
  const again = await transport.request({ method: 'POST', path: '/api/v1/apps', headers, body: '{"name":"demo"}' });
  assert.equal(again.status, 409);
  assert.equal((await transport.request({ path: '/api/v1/apps' })).status, 401);
});

test('a certificate of a known authority is accepted without a pin', async (t) => {
  const daemon = await testDaemon(t);
  const front = await tlsFront(t, daemon.url, await makeCertificate('server', { signedBy: authority }));
  const transport = open(t, front.url);
  assert.equal((await transport.request({ path: '/api/v1/health' })).status, 200);
  assert.equal(transport.certificate?.issuer, 'Test authority');
  assert.equal(transport.certificate?.selfSigned, false);
  const pinnedBefore = open(t, front.url, `${'AA:'.repeat(31)}AA`);
  assert.equal((await pinnedBefore.request({ path: '/api/v1/health' })).status, 200);
});

test('an unknown certificate is shown, and nothing is sent until it is pinned', async (t) => {
  const daemon = await testDaemon(t);
  const mine = await makeCertificate('mine');
  const front = await tlsFront(t, daemon.url, mine);
  const request = { path: '/api/v1/apps', headers: { authorization: `Bearer ${daemon.token}` } };

  const refused = await failing(open(t, front.url).request(request), 'TLS_UNTRUSTED');
  const met = refused.details?.['certificate'] as { fingerprint: string; names: string[]; selfSigned: boolean };
  assert.equal(met.fingerprint, mine.fingerprint);
  assert.deepEqual(met.names, ['127.0.0.1', 'localhost']);
  assert.equal(met.selfSigned, true);
  assert.equal(front.received(), '');

  assert.equal((await open(t, front.url, mine.fingerprint).request(request)).status, 200);
});

test('a changed certificate is refused, on a kept connection’s successor too', async (t) => {
  const daemon = await testDaemon(t);
  const mine = await makeCertificate('mine');
  const front = await tlsFront(t, daemon.url, mine);
  const transport = open(t, front.url, mine.fingerprint);
  assert.equal((await transport.request({ path: '/api/v1/health' })).status, 200);
  const other = await makeCertificate('mine');
  front.use(other);
  const before = front.received();
  const stream = await failing(transport.stream({ path: '/api/v1/health' }), 'TLS_CHANGED');
  assert.equal(
    (stream.details?.['certificate'] as { fingerprint: string } | undefined)?.fingerprint,
    other.fingerprint,
  );
  assert.equal(stream.details?.['pinned'], mine.fingerprint);
  assert.equal(front.received(), before);
});

test('a signed certificate that has expired or names another host is not a matter of pinning', async (t) => {
  const daemon = await testDaemon(t);
  const expired = await makeCertificate('old', {
    signedBy: authority,
    validFrom: new Date(Date.now() - 9e8),
    validTo: new Date(Date.now() - 8e8),
  });
  const front = await tlsFront(t, daemon.url, expired);
  const refusal = await failing(open(t, front.url).request({ path: '/' }), 'TLS_INVALID');
  assert.match(refusal.message, /expired/);
  front.use(await makeCertificate('other', { signedBy: authority, names: ['other.example'] }));
  assert.match((await failing(open(t, front.url).request({ path: '/' }), 'TLS_INVALID')).message, /another name/);
  assert.equal(front.received(), '');
});

test('https to a plain port, and plain http to a TLS port, are told apart', async (t) => {
  const daemon = await testDaemon(t);
  await failing(open(t, daemon.url.replace('http:', 'https:')).request({ path: '/' }), 'TLS_FAILED');
  const front = await tlsFront(t, daemon.url, await makeCertificate('mine'));
  await failing(open(t, front.url.replace('https:', 'http:')).request({ path: '/' }), 'CONNECTION_LOST');
});

test('unknown names, closed ports, silence and strangers each have their own word', async (t) => {
  await failing(open(t, 'http://no-such-host.invalid').request({ path: '/' }), 'NAME_NOT_RESOLVED');
  const closed = net.createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  await once(closed, 'close');
  await failing(open(t, `http://127.0.0.1:${port}`).request({ path: '/' }), 'CONNECTION_REFUSED');

  const base = await muteServer(t);
  await failing(open(t, base).request({ path: '/', timeoutMs: 150 }), 'TIMED_OUT');
  await failing(open(t, base).stream({ path: '/', timeoutMs: 150 }), 'TIMED_OUT');
  const stop = new AbortController();
  const running = failing(open(t, base).request({ path: '/', signal: stop.signal }), 'CANCELLED');
  stop.abort();
  await running;

  const smtp = net.createServer((socket) => socket.on('error', () => {}).end('220 mail.example ESMTP\r\n'));
  smtp.listen(0, '127.0.0.1');
  await once(smtp, 'listening');
  t.after(() => smtp.close());
  const stranger = `http://127.0.0.1:${(smtp.address() as AddressInfo).port}`;
  await failing(open(t, stranger).request({ path: '/' }), 'NOT_STREAMHUB');
});

test('a redirect is never followed', async (t) => {
  let reached = false;
  const elsewhere = await server(t, (_request, response) => {
    reached = true;
    response.end();
  });
  const base = await server(t, (_request, response) => response.writeHead(307, { location: `${elsewhere}/x` }).end());
  const refusal = await failing(
    open(t, base).request({ path: '/api/v1/apps', headers: { authorization: 'Bearer sk_secret' } }),
    'REDIRECTED',
  );
  assert.equal(refusal.details?.['location'], `${elsewhere}/x`);
  assert.equal(reached, false);
});

test('compressed answers are read, and an endless one is cut off', async (t) => {
  const base = await server(t, (request, response) => {
    if (request.url === '/bomb') {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(zlib.gzipSync(Buffer.alloc(5_000_000)));
      return;
    }
    const encoding = String(request.headers['accept-encoding']).includes('br') ? 'br' : 'identity';
    response.writeHead(200, { 'content-encoding': encoding }).end(zlib.brotliCompressSync('{"a":"ä"}'));
  });
  const transport = open(t, base);
  assert.equal((await transport.request({ path: '/' })).body, '{"a":"ä"}');
  await failing(transport.request({ path: '/bomb', maxBytes: 1_000_000 }), 'ANSWER_TOO_LARGE');
  assert.equal((await transport.request({ path: '/' })).status, 200);
});

test('a kept connection that the other side closed costs a GET nothing', async (t) => {
  let requests = 0;
  const base = await server(t, (request, response) => {
    requests += 1;
    if (requests === 2) request.socket.destroy();
    else response.end('{}');
  });
  const transport = open(t, base);
  await transport.request({ path: '/' });
  assert.equal((await transport.request({ path: '/' })).status, 200);
  assert.equal(requests, 3);
  requests = 1;
  await failing(transport.request({ path: '/', method: 'POST', body: '{}' }), 'CONNECTION_LOST');
  assert.equal(requests, 2);
});
