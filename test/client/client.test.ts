// The client that programs use (`@streamhub/client`), against a real daemon.
import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import { LogRepository } from '#daemon/platform/logs/repository.ts';
import { CallbackRefused, DaemonError, StreamHub, UnreachableError, verifyCallback } from '#shared/client/index.ts';
import { LOG_COUNT_MAX } from '#shared/schema/logs.ts';
import { callbackReceiver } from '#test/helpers/callback-receiver.ts';
import { sharedDaemon, type TestDaemon } from '#test/helpers/daemon.ts';
import { event, LIVEKIT_KEYS, room, sendWebhook } from '#test/helpers/livekit-webhook.ts';
import { addVods } from '#test/helpers/recordings.ts';

const hubOf = (daemon: TestDaemon, more: object = {}): StreamHub =>
  new StreamHub({ url: daemon.url, token: daemon.token, ...more });

/** A proxy before the daemon that does something else to the requests for which it is told to. */
async function proxyBefore(
  t: { after(fn: () => unknown): void },
  target: string,
  meddle: (request: http.IncomingMessage, response: http.ServerResponse, forward: () => void) => void,
): Promise<{ url: string; seen: http.IncomingMessage[] }> {
  const seen: http.IncomingMessage[] = [];
  const server = http.createServer((request, response) => {
    seen.push(request);
    meddle(request, response, () => {
      const outgoing = http.request(target + request.url, { method: request.method, headers: request.headers });
      outgoing.on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.pipe(response);
      });
      outgoing.on('error', () => response.destroy());
      response.on('close', () => outgoing.destroy());
      request.pipe(outgoing);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

describe('the client', () => {
  const daemon = sharedDaemon({ ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9' });

  test('calls operations by their ids, with the envelope opened', async () => {
    const hub = hubOf(daemon);
    const app = await hub.createApp({ body: { name: 'by-name' } });
    assert.equal(app.name, 'by-name');
    assert.ok((await hub.listApps()).some(({ name }) => name === 'by-name'));
    assert.equal((await hub.getAppSizes({ params: { name: 'by-name' } })).vodCount, 0);
    const { status, headers, data } = await hub.getApp({ params: { name: 'by-name' } }).withResponse();
    assert.deepEqual([status, data.name], [200, 'by-name']);
    assert.ok(headers['x-request-id']);
  });

  test('gives refusals as errors with a code, or as values', async () => {
    const hub = hubOf(daemon);
    await assert.rejects(
      () => hub.getApp({ params: { name: 'nowhere' } }),
      (error: unknown) => error instanceof DaemonError && error.code === 'APP_NOT_FOUND' && error.status === 404,
    );
    const refused = await hub.createApp({ body: { name: 'NOT A NAME' } }).result();
    assert.ok(!refused.ok && refused.error instanceof DaemonError);
    assert.deepEqual([refused.error.code, refused.error.details[0]?.path], ['VALIDATION_FAILED', 'body.name']);
    const strange = await hub.withToken('sk_wrong').listApps().result();
    assert.ok(!strange.ok && strange.error instanceof DaemonError && strange.error.code === 'UNAUTHENTICATED');
    const away = await new StreamHub({ url: 'http://127.0.0.1:9', retries: 0 }).getHealth().result();
    assert.ok(!away.ok && away.error instanceof UnreachableError && away.error.reason === 'network');
  });

  test('repeats what is safe after a broken connection and a 503 with Retry-After, and nothing else', async (t) => {
    const failures = new Map<string, number>();
    const proxy = await proxyBefore(t, daemon.url, (request, response, forward) => {
      const key = `${request.method} ${request.url}`;
      const count = (failures.get(key) ?? 0) + 1;
      failures.set(key, count);
      if (count === 1) request.socket.destroy();
      else if (count === 2) response.writeHead(503, { 'retry-after': '0' }).end('away');
      else forward();
    });
    const hub = new StreamHub({ url: proxy.url, token: daemon.token });
    assert.ok(Array.isArray(await hub.listApps()));
    assert.equal(failures.get('GET /api/v1/apps'), 3);
    // PATCH can do something twice
    const patched = await hub.patchSettings({ body: { values: {} } }).result();
    assert.ok(!patched.ok && patched.error instanceof UnreachableError && patched.error.reason === 'network');
    assert.equal(failures.get('PATCH /api/v1/system/settings'), 1);
    // a refusal is the daemon's word
    const missing = await hub.getApp({ params: { name: 'missing' } }).result();
    assert.ok(!missing.ok && missing.error instanceof DaemonError && missing.error.code === 'APP_NOT_FOUND');
    assert.equal(failures.get('GET /api/v1/apps/missing'), 3);
    // as often as the caller says
    const once = await hub.getApp({ params: { name: 'never' } }, { retries: 0 }).result();
    assert.ok(!once.ok && once.error instanceof UnreachableError);
    assert.equal(failures.get('GET /api/v1/apps/never'), 1);
  });

  test('creates something once, even if the answer to it was lost', async (t) => {
    const keys: unknown[] = [];
    const proxy = await proxyBefore(t, daemon.url, (request, response, forward) => {
      keys.push(request.headers['idempotency-key']);
      if (keys.length > 1) return forward();
      // the daemon does it, and the connection breaks before the answer
      const { url = '', method, headers } = request;
      const outgoing = http.request(daemon.url + url, { method, headers }, (answer) => {
        answer.resume().on('end', () => response.destroy());
      });
      request.pipe(outgoing);
    });
    const hub = new StreamHub({ url: proxy.url, token: daemon.token });
    const { headers, data } = await hub.createToken({ body: { name: 'once', scope: 'global' } }).withResponse();
    assert.equal(headers['idempotency-replayed'], 'true');
    assert.equal(new Set(keys).size, 1);
    assert.match(String(keys[0]), /^[0-9a-f]{32}$/);
    const made = (await hub.listTokens()).filter(({ name }) => name === 'once');
    assert.deepEqual(
      made.map(({ id }) => id),
      [data.id],
    );
    // a key of the caller's is left as it is, and a join token, which is not kept, needs none
    keys.length = 1;
    await hub.createApp({ body: { name: 'own-key' }, headers: { 'Idempotency-Key': 'mine' } });
    await hub.createJoinToken({ params: { app: 'own-key' }, body: { room: 'own-key-room', identity: 'a' } }).result();
    assert.deepEqual(keys.slice(1), ['mine', undefined]);
  });

  test('waits no longer than a minute for Retry-After, and gives what the daemon said', async (t) => {
    const proxy = await proxyBefore(t, daemon.url, (_request, response) => {
      response.writeHead(429, { 'retry-after': '3600', 'content-type': 'application/json' });
      response.end(JSON.stringify({ statusCode: 429, code: 'RATE_LIMITED', message: 'Later.', error: 'x' }));
    });
    const answer = await new StreamHub({ url: proxy.url }).getHealth().result();
    assert.ok(!answer.ok && answer.error instanceof DaemonError);
    assert.deepEqual([answer.error.code, answer.error.retryAfterMs, proxy.seen.length], ['RATE_LIMITED', 3_600_000, 1]);
  });

  test('ends with the reason of the signal, also while it waits, and after its limit of time', async (t) => {
    const proxy = await proxyBefore(t, daemon.url, () => {});
    const hub = new StreamHub({ url: proxy.url });
    const stop = new AbortController();
    const call = hub.getHealth(undefined, { signal: stop.signal });
    stop.abort(new Error('no longer needed'));
    await assert.rejects(call, /no longer needed/);
    const late = await hub.getHealth(undefined, { timeout: 50, retries: 0 }).result();
    assert.ok(!late.ok && late.error instanceof UnreachableError && late.error.reason === 'timeout');
    const waiting = new AbortController();
    const refusing = await proxyBefore(t, daemon.url, (_request, response) => {
      response.writeHead(503, { 'retry-after': '50' }).end();
      waiting.abort(new Error('left'));
    });
    const other = new StreamHub({ url: refusing.url }).getHealth(undefined, { signal: waiting.signal });
    await assert.rejects(other, /left/);
    assert.equal(refusing.seen.length, 1);
  });

  test('iterates over every row of a list, page by page or whole', async (t) => {
    const proxy = await proxyBefore(t, daemon.url, (_request, _response, forward) => forward());
    const hub = new StreamHub({ url: proxy.url, token: daemon.token });
    for (const name of ['row-a', 'row-b', 'row-c']) await hub.createApp({ body: { name } });
    const names: string[] = [];
    for await (const { name } of hub.listApps()) names.push(name);
    assert.deepEqual(
      names.filter((name) => name.startsWith('row-')),
      ['row-a', 'row-b', 'row-c'],
    );
    const page = await hub.listAudit({ query: { action: 'app.create', limit: 2 } });
    assert.ok(page.total >= 3 && page.data.length === 2);
    proxy.seen.length = 0;
    const ids: number[] = [];
    for await (const { id } of hub.listAudit({ query: { action: 'app.create', limit: 2 } })) ids.push(id);
    assert.equal(ids.length, page.total);
    assert.equal(new Set(ids).size, page.total);
    assert.equal(proxy.seen.length, Math.ceil(page.total / 2));
    // who leaves the loop asks for no more
    proxy.seen.length = 0;
    for await (const _row of hub.listAudit({ query: { limit: 1 } })) break;
    assert.equal(proxy.seen.length, 1);
  });

  test('iterates over every row once while rows are deleted and added', async () => {
    const hub = hubOf(daemon);
    await hub.createApp({ body: { name: 'cleared' } });
    addVods(
      daemon.dataDir,
      'cleared',
      Array.from({ length: 9 }, (_, n) => ({ name: `vod-${n}` })),
    );
    const names: string[] = [];
    for await (const { id, name } of hub.listVods({ params: { app: 'cleared' }, query: { limit: 4 } })) {
      if (names.push(name) === 2) addVods(daemon.dataDir, 'cleared', [{ name: 'late' }]);
      await hub.deleteVod({ params: { app: 'cleared', id } });
    }
    assert.deepEqual(
      names,
      Array.from({ length: 9 }, (_, n) => `vod-${8 - n}`),
    );
  });

  test('iterates over lists that say only that there are more rows', async () => {
    const hub = hubOf(daemon);
    const lines = LogRepository.open(path.join(daemon.dataDir, 'logs', 'server-logs.db'));
    const line = { ts: Date.now(), level: 30, source: 'app', appId: null, message: 'filler', metaJson: null };
    lines.insert(Array.from({ length: LOG_COUNT_MAX + 50 }, () => line));
    lines.close();
    let count = 0;
    for await (const _line of hub.listLogs({ query: { q: 'filler', limit: 1000 } })) count += 1;
    assert.equal(count, LOG_COUNT_MAX + 50);

    for (const name of ['one', 'two', 'three'])
      await sendWebhook(daemon.url, event('room_started', { room: room(`live-${name}`) }));
    const rooms: string[] = [];
    for await (const session of hub.listAllSessions({ query: { limit: 1 } })) rooms.push(session.room);
    assert.deepEqual(rooms.toSorted(), ['live-one', 'live-three', 'live-two']);
  });

  test('follows events in order through breaks, each once', async (t) => {
    let sockets: http.IncomingMessage[] = [];
    const proxy = await proxyBefore(t, daemon.url, (request, _response, forward) => {
      if (request.url?.startsWith('/api/v1/events')) sockets.push(request);
      forward();
    });
    const hub = new StreamHub({ url: proxy.url, token: daemon.token });
    const direct = hubOf(daemon);
    const opened = Promise.withResolvers<void>();
    const resumed = Promise.withResolvers<void>();
    const stream = hub.streamEvents(
      { query: { topics: 'apps' } },
      { onOpen: (isResumed) => (isResumed ? resumed : opened).resolve() },
    );
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { type, message } of stream) {
        // the type decides what the data is
        if (type === 'app.created') seen.push(`${type} ${message.data.displayName}`);
        if (message?.app === 'event-3') return;
        if (message?.app === 'event-1') {
          // the connection breaks, and something happens before it is back
          for (const socket of sockets) socket.socket.destroy();
          sockets = [];
          await direct.createApp({ body: { name: 'event-2' } });
        }
      }
    })();
    await opened.promise;
    await direct.createApp({ body: { name: 'event-1' } });
    await resumed.promise;
    await direct.createApp({ body: { name: 'event-3' } });
    await reading;
    assert.deepEqual(seen, ['app.created event-1', 'app.created event-2', 'app.created event-3']);
  });

  test('an event stream that is refused ends with the daemon’s error', async () => {
    const refused = new StreamHub({ url: daemon.url, token: 'sk_wrong' }).streamEvents();
    await assert.rejects(
      async () => {
        for await (const _event of refused);
      },
      (error: unknown) => error instanceof DaemonError && error.code === 'UNAUTHENTICATED',
    );
    const stopped = hubOf(daemon).streamEvents({}, { signal: AbortSignal.abort(new Error('stopped')) });
    await assert.rejects(async () => {
      for await (const _event of stopped);
    }, /stopped/);
  });

  test('downloads a file with its name, and text', async () => {
    const hub = hubOf(daemon);
    const usage = await hub.exportMonthUsage();
    assert.match(usage.type, /^text\/csv/);
    assert.match(usage.fileName ?? '', /\.csv$/);
    assert.match(await usage.text(), /^month,/m);
    const refused = new StreamHub({ url: daemon.url, token: 'sk_wrong' }).exportMonthUsage();
    await assert.rejects(refused, (error: unknown) => error instanceof DaemonError && error.status === 401);
  });
});

describe('the download of a link', () => {
  // a storage: it sends parts, and breaks off when told to
  const content = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
  const storage = async (
    t: { after(fn: () => unknown): void },
    options: { breaks?: number[]; changes?: boolean; ignoresIfRange?: boolean } = {},
  ) => {
    const { breaks = [] } = options;
    let etag = '"one"';
    return proxyBefore(t, '', (request, response) => {
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const validator = options.ignoresIfRange ? undefined : request.headers['if-range'];
      const isPart = request.headers.range !== undefined && (validator ?? etag) === etag;
      const part = isPart ? content.subarray(from) : content;
      response.writeHead(isPart ? 206 : 200, {
        etag,
        'accept-ranges': 'bytes',
        'content-type': 'video/mp4',
        'content-length': part.length,
        ...(isPart ? { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` } : {}),
      });
      const end = breaks.shift();
      if (end === undefined) return response.end(part);
      if (options.changes) etag = '"two"';
      response.write(part.subarray(0, end), () => setImmediate(() => response.destroy()));
    });
  };

  test('continues where it broke off, with progress, and never sends the token', async (t) => {
    const { url, seen } = await storage(t, { breaks: [100_000, 50_000] });
    const hub = new StreamHub({ url: 'http://127.0.0.1:9', token: 'sk_secret' });
    const progress: number[] = [];
    const file = await hub.download(`${url}/film.mp4?signature=x`, {
      onProgress: ({ received, total }) => {
        assert.equal(total, content.length);
        progress.push(received);
      },
    });
    assert.deepEqual([file.size, file.type], [content.length, 'video/mp4']);
    assert.ok(content.equals(await file.bytes()));
    assert.deepEqual(
      progress,
      progress.toSorted((a, b) => a - b),
    );
    assert.equal(progress.at(-1), content.length);
    assert.equal(seen.length, 3);
    for (const { headers } of seen) assert.equal(headers.authorization, undefined);
  });

  test('continues after the bytes that there are already, of the same file only', async (t) => {
    const { url } = await storage(t);
    const hub = new StreamHub({ url });
    const rest = await hub.download('/film.mp4', { from: 299_000, etag: '"one"' });
    assert.deepEqual([rest.status, rest.size], [206, content.length]);
    assert.ok(content.subarray(299_000).equals(await rest.bytes()));
    for (const ignoresIfRange of [false, true]) {
      const { url: same } = await storage(t, { ignoresIfRange });
      const old = { from: 299_000, etag: '"old"' };
      await assert.rejects(new StreamHub({ url: same }).download('/film.mp4', old), /has changed/);
      const changing = await storage(t, { breaks: [1000], changes: true, ignoresIfRange });
      const file = await new StreamHub({ url: changing.url }).download('/film.mp4');
      await assert.rejects(() => file.bytes(), /has changed/);
    }
  });

  test('ends with the reason of the signal', async (t) => {
    const { url } = await storage(t);
    const stop = new AbortController();
    const file = await new StreamHub({ url }).download('/film.mp4', { signal: stop.signal });
    await assert.rejects(async () => {
      for await (const _part of file) stop.abort(new Error('enough'));
    }, /enough/);
  });
});

describe('verifyCallback', () => {
  const daemon = sharedDaemon();

  test('accepts what the daemon sends, and nothing that was changed or comes late', async (t) => {
    const hub = hubOf(daemon);
    const receiver = await callbackReceiver(t);
    await hub.createApp({ body: { name: 'calls' } });
    await hub.patchApp({ params: { name: 'calls' }, body: { callbackUrl: receiver.url, callbackSecret: 'a-secret' } });
    await hub.testCallback({ params: { app: 'calls' } });
    const { headers, raw } = await receiver.next(({ body }) => body.event === 'test');
    const message = await verifyCallback(headers, raw, 'a-secret');
    assert.deepEqual([message.event, message.app], ['test', 'calls']);
    // of each kind that frameworks have
    await verifyCallback(new Headers(headers as Record<string, string>), Buffer.from(raw), 'a-secret');
    const refused = async (reason: string, ...args: Parameters<typeof verifyCallback>): Promise<void> =>
      assert.rejects(
        () => verifyCallback(...args),
        (error: unknown) => error instanceof CallbackRefused && error.reason === reason,
      );
    await refused('wrong-signature', headers, raw, 'another-secret');
    await refused('wrong-signature', headers, raw.replace('calls', 'other'), 'a-secret');
    await refused('unsigned', {}, raw, 'a-secret');
    const later = { now: Date.now() + 301_000 };
    await refused('outside-window', headers, raw, 'a-secret', later);
    await verifyCallback(headers, raw, 'a-secret', { ...later, tolerance: 3600 });
    // the time is signed, and without it the time in the body counts
    const signature = headers['x-streamhub-signature-v2'] as string;
    const moved = signature.replace(/^t=\d+/, `t=${Math.floor(later.now / 1000)}`);
    await refused('wrong-signature', { ...headers, 'x-streamhub-signature-v2': moved }, raw, 'a-secret', later);
    const { 'x-streamhub-signature-v2': _signed, ...old } = headers;
    await verifyCallback(old, raw, 'a-secret');
    await refused('outside-window', old, raw, 'a-secret', later);
  });
});
