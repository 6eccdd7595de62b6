// Files and events through the client, with real parts: the daemon's own file route, a bucket, a network that breaks.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import { StreamHub } from '#shared/client/index.ts';
import { bucketPlace, giveBucket } from '#test/helpers/bucket.ts';
import { sharedDaemon, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { type Line, line } from '#test/helpers/line.ts';
import { event, LIVEKIT_KEYS, sendWebhook } from '#test/helpers/livekit-webhook.ts';
import { packedPlugin, providerCode } from '#test/helpers/plugins.ts';
import { addVods } from '#test/helpers/recordings.ts';
import { startS3Server } from '#test/helpers/s3-server.ts';

const ENV = { ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9' };
const FILM = randomBytes(3_000_000);

/** Downloads through cuts, and compares every byte and figure. */
async function wholeThroughCuts(way: Line, link: string): Promise<void> {
  way.cutAfter(1_000_000, 700_000);
  const seen: number[] = [];
  const file = await new StreamHub({ url: way.url }).download(link, {
    onProgress: ({ received, total }) => {
      assert.equal(total, FILM.length);
      seen.push(received);
    },
  });
  assert.equal(file.size, FILM.length);
  assert.ok(FILM.equals(await file.bytes()), 'byte for byte');
  assert.equal(way.cuts(), 2);
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  );
  assert.equal(seen.at(-1), FILM.length);
  // a part that is there already is continued
  const rest = await new StreamHub({ url: way.url }).download(link, { from: 2_900_000, etag: file.etag ?? undefined });
  assert.equal(rest.status, 206);
  assert.ok(FILM.subarray(2_900_000).equals(await rest.bytes()));
}

describe('files through the client', () => {
  const daemon = sharedDaemon(ENV);
  const hubOf = (more: object = {}) => new StreamHub({ url: daemon.url, token: daemon.token, ...more });

  test('a plugin is uploaded as bytes and as a blob, and arrives whole', async () => {
    const hub = hubOf();
    const one = await packedPlugin('carried', providerCode('carried', ''), {
      providers: ['carried'],
      manifest: { version: '1.0.0' },
    });
    const made = await hub.installPlugin({ file: one });
    assert.deepEqual([made.id, made.version], ['carried', '1.0.0']);
    const two = await packedPlugin('carried', providerCode('carried', ''), {
      providers: ['carried'],
      manifest: { version: '2.0.0' },
    });
    const updated = await hub.updatePlugin({ params: { id: 'carried' }, file: new Blob([new Uint8Array(two)]) });
    assert.equal(updated.version, '2.0.0');
  });

  test('a recording in the app’s folder is whole, however often the connection breaks', async (t) => {
    const folder = path.join(daemon.dataDir, 'apps/live/recordings');
    mkdirSync(folder, { recursive: true });
    const filename = path.join(folder, 'film.mp4');
    writeFileSync(filename, FILM);
    const now = String(Date.now() * 1_000_000);
    const told = event('egress_ended', {
      egressInfo: {
        ...{ egressId: 'EG_film', roomId: 'RM_1', roomName: 'live-stage', status: 'EGRESS_COMPLETE' },
        ...{ startedAt: now, endedAt: now },
        roomComposite: { roomName: 'live-stage', fileOutputs: [{ filepath: filename }] },
        fileResults: [{ filename, size: String(FILM.length), duration: '3000000000' }],
      },
    });
    assert.equal((await sendWebhook(daemon.url, told)).status, 200);
    const [vod] = (await hubOf().listVods({ params: { app: 'live' } })).data;
    const { pathname, search } = new URL(vod?.url ?? '', daemon.url);
    await wholeThroughCuts(await line(t, daemon.url), pathname + search);
    const whole = await hubOf().download(pathname + search);
    whole.cancel();
    const none = await hubOf().download(pathname + search, { from: FILM.length, etag: whole.etag ?? undefined });
    assert.deepEqual([none.status, none.size, (await none.bytes()).length], [206, FILM.length, 0]);
  });

  test('so is one in a bucket', async (t) => {
    const s3 = startS3Server();
    if (typeof s3 === 'string') return t.skip(s3);
    t.after(() => s3.stop());
    const way = await line(t, s3.endpoint);
    await daemon.api.post('/apps', { name: 'bucketed' });
    const bucket = await giveBucket(daemon.api, 'bucketed', s3, { endpoint: way.url });
    await s3.put(bucket, ['film.mp4'], FILM);
    const place = { ...bucketPlace(s3, bucket), endpoint: way.url };
    addVods(daemon.dataDir, 'bucketed', [{ key: 'film.mp4', name: 'film.mp4', place }]);
    const [vod] = (await hubOf().listVods({ params: { app: 'bucketed' } })).data;
    assert.ok(vod?.url?.startsWith(way.url), String(vod?.url));
    await wholeThroughCuts(way, vod?.url ?? '');
  });

  test('a signal ends a download, a list and an event stream where they are', async (t) => {
    const hub = hubOf();
    const enough = new Error('enough');
    const rows = new AbortController();
    for (const name of ['first', 'second']) await hub.createApp({ body: { name } });
    await assert.rejects(async () => {
      for await (const _row of hub.listAudit({ query: { limit: 1 } }, { signal: rows.signal })) rows.abort(enough);
    }, enough);
    const listening = new AbortController();
    await assert.rejects(async () => {
      // it waits for an event that never comes
      const onOpen = (): void => listening.abort(enough);
      for await (const _event of hub.streamEvents(
        { query: { topics: 'plugins' } },
        { signal: listening.signal, onOpen },
      ));
    }, enough);
    const way = await line(t, daemon.url);
    const loading = new AbortController();
    const csv = await new StreamHub({ url: way.url, token: daemon.token }).exportMonthUsage(
      {},
      { signal: loading.signal },
    );
    loading.abort(enough);
    await assert.rejects(() => csv.text(), enough);
  });

  test('the wait of Retry-After is kept', async (t) => {
    const times: number[] = [];
    const server = http.createServer((_request, response) => {
      times.push(performance.now());
      if (times.length === 1) response.writeHead(503, { 'retry-after': '2' }).end();
      else response.writeHead(200, { 'content-type': 'application/json' }).end('[]');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    const hub = new StreamHub({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
    assert.deepEqual(await hub.listApps(), []);
    const [first = 0, second = 0] = times;
    // without the header it is half a second at most
    assert.ok(second - first > 1900, `${second - first} ms`);
  });
});

test('events continue after a restart of the daemon, without a gap and each once', async (t) => {
  const dataDir = await temporaryDir(t);
  const first = await testDaemon(t, {}, { dataDir });
  const way = await line(t, first.url);
  const hub = new StreamHub({ url: way.url, token: first.token });
  const opened = Promise.withResolvers<void>();
  const before = Promise.withResolvers<void>();
  const seen: string[] = [];
  const reading = (async () => {
    const stream = hub.streamEvents({ query: { topics: 'apps' } }, { onOpen: () => opened.resolve() });
    for await (const { type, message } of stream) {
      if (type === 'reset') throw new Error('events were lost');
      if (type === 'app.created') seen.push(message.data.name);
      if (message.app === 'one') before.resolve();
      if (message.app === 'three') return;
    }
  })();
  await opened.promise;
  await first.api.post('/apps', { name: 'one' });
  await before.promise;
  way.lead(undefined);
  await first.api.post('/apps', { name: 'two' });
  await first.stop();
  const second = await testDaemon(t, {}, { dataDir });
  way.lead(second.url);
  await second.api.post('/apps', { name: 'three' });
  await reading;
  assert.deepEqual(seen, ['one', 'two', 'three']);
});
