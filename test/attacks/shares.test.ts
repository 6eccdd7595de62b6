import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { SHARES } from '#shared/rules/shares.ts';
import { type Client, sharedDaemon, TEST_TOKEN } from '#test/helpers/daemon.ts';
import { type EventReader, readEvents } from '#test/helpers/event-reader.ts';
import { firstAdmin, join, MANY_ATTEMPTS, makeTeam } from '#test/helpers/people.ts';
import { addVods } from '#test/helpers/recordings.ts';
import { until } from '#test/helpers/until.ts';

let root: Awaited<ReturnType<typeof firstAdmin>>;
const daemon = sharedDaemon(MANY_ATTEMPTS, async () => {
  root = await firstAdmin(daemon);
});

/** A server that takes connections and never says a word, until `end` closes them all. */
async function silentServer(t: { after(fn: () => unknown): void }) {
  const open = new Set<net.Socket>();
  let isOver = false;
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
    if (isOver) socket.destroy();
    else open.add(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const end = (): void => {
    isOver = true;
    for (const socket of open) socket.destroy();
  };
  t.after(() => {
    end();
    server.close();
  });
  return { open, end, host: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test('one viewer opens a share of the event streams; others and operators still get theirs', async (t) => {
  const viewer = await join(daemon, root.api, 'viewer@example.com', 'viewer');
  const team = await makeTeam(daemon, 'other');
  const open = (token: string | null) => readEvents(t, daemon.url, token as string);
  const share = SHARES['event-stream'].principal;
  const readers: EventReader[] = [];
  for (let n = 0; n < share; n += 1) readers.push(await open(viewer.api.token));
  assert.ok(readers.every((reader) => reader.status === 200));
  const refused = await viewer.api.get('/events');
  assert.deepEqual([refused.status, refused.body.code], [429, 'SHARE_USED_UP']);
  assert.equal(refused.headers.get('retry-after'), String(refused.body.retryAfterSeconds));
  assert.match(refused.body.message, /event streams/);
  for (const token of [team.owner.api.token, root.api.token, TEST_TOKEN]) {
    const reader = await open(token);
    assert.equal(reader.status, 200);
    assert.equal((await reader.next()).event, 'hello');
  }
  // a second session of the same person shares with the first
  readers[0]?.close();
  await readers[0]?.ended;
  let again = await open(viewer.api.token);
  // the daemon hears of a closed connection a moment after the client
  while (again.status === 429) again = await open(viewer.api.token);
  assert.equal(again.status, 200, 'a closed stream gives its place back');
});

test('searches of one person leave room for others', async () => {
  const team = await makeTeam(daemon, 'busy');
  const other = await makeTeam(daemon, 'calm');
  const flood = Promise.all(Array.from({ length: 60 }, () => team.owner.api.get('/logs?q=anything')));
  const [calm, operator] = await Promise.all([other.owner.api.get('/logs?q=x'), daemon.api.get('/logs?q=x')]);
  assert.deepEqual([calm.status, operator.status], [200, 200]);
  const answers = await flood;
  for (const { status, body } of answers) if (status !== 200) assert.equal(body.code, 'SHARE_USED_UP');
  assert.equal((await team.owner.api.get('/logs?q=after')).status, 200, 'nothing stays taken');

  // downloads need no credential: an address that opens files and doesn't read them gets a share of those
  const [id] = addVods(daemon.dataDir, 'live', [
    { key: 'recordings/film.mp4', place: { provider: 'local', bucket: '' } },
  ]);
  const file = path.join(daemon.dataDir, 'apps/live/recordings/film.mp4');
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, '');
  await truncate(file, 64_000_000);
  const { url } = (await daemon.api.get(`/apps/live/vods/${id}`)).body;
  const stop = new AbortController();
  const open = () => fetch(url, { signal: stop.signal });
  const held = await Promise.all(Array.from({ length: SHARES.download.address }, open));
  assert.ok(held.every(({ status }) => status === 200));
  const refused = await open();
  assert.deepEqual([refused.status, ((await refused.json()) as { code: string }).code], [429, 'SHARE_USED_UP']);
  assert.equal((await daemon.api.get('/apps/live/vods')).status, 200);
  stop.abort();
  await until('closed downloads give their places back', async () => {
    const again = await fetch(url, { method: 'HEAD' });
    return again.status === 200;
  });
});

test('brokers that never answer hold the tests of one person, and of nobody else', async (t) => {
  const broker = await silentServer(t);
  const team = await makeTeam(daemon, 'hanging');
  const other = await makeTeam(daemon, 'waiting');
  const withBroker = async (api: Client, name: string, host: string) => {
    assert.equal((await api.post('/apps', { name })).status, 201);
    const mqtt = `\nmqtt: { enabled: true, url: "mqtt://${host}" }\n`;
    const { yaml } = (await api.get(`/apps/${name}/config/raw`)).body.data;
    const stored = await api.put(`/apps/${name}/config/raw`, {
      yaml: `${yaml.replace(/^mqtt:.*(?:\n[ #].*)*\n?/m, '')}${mqtt}`,
    });
    assert.equal(stored.status, 200, stored.text);
  };
  await withBroker(team.owner.api, 'hanging', broker.host);
  await withBroker(other.owner.api, 'waiting', '127.0.0.1:9');
  const share = SHARES['connection-test'].principal;
  const tests = Array.from({ length: share + 1 }, () => team.owner.api.post('/apps/hanging/mqtt/test'));
  // no other can answer while its broker says nothing
  const refused = await Promise.race(tests);
  assert.deepEqual([refused.status, refused.body.code], [429, 'SHARE_USED_UP']);
  assert.match(refused.body.message, /tests of connections/);
  for (const api of [other.owner.api, daemon.api]) {
    const { status, body } = await api.post('/apps/waiting/mqtt/test');
    assert.deepEqual([status, body.data.ok], [200, false]);
  }
  broker.end();
  const statuses = (await Promise.all(tests)).map(({ status }) => status);
  assert.deepEqual(statuses.sort(), [...Array.from({ length: share }, () => 200), 429]);
});

test('playlists of a storage that never answers hold the requests of one address, and of no other', async (t) => {
  const storage = await silentServer(t);
  assert.equal((await daemon.api.post('/apps', { name: 'playlists' })).status, 201);
  const bucket = { provider: 'minio', endpoint: `http://${storage.host}`, region: 'us-east-1', bucket: 'films' };
  const settings = { ...bucket, forcePathStyle: true, key: 'key', secret: 'not a real secret' };
  const stored = await daemon.api.put('/apps/playlists/s3', settings);
  assert.equal(stored.status, 200, stored.text);
  const local = { key: 'recordings/hls/index.m3u8', place: { provider: 'local', bucket: '' } };
  const ids = addVods(daemon.dataDir, 'playlists', [{ key: 'films/hls/index.m3u8', place: bucket }, local]);
  const folder = path.join(daemon.dataDir, 'apps/playlists/recordings/hls');
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'index.m3u8'), '#EXTM3U\n#EXT-X-ENDLIST\n');
  const [hung = '', good = ''] = await Promise.all(
    ids.map(async (id) => (await daemon.api.get(`/apps/playlists/vods/${id}`)).body.url as string),
  );
  assert.match(hung, /\/playlists\//);
  const share = SHARES.watch.address;
  const requests = Array.from({ length: share + 1 }, () => statusOf(hung, '127.0.0.1'));
  assert.equal(await Promise.race(requests), 429);
  assert.deepEqual([await statusOf(good, '127.0.0.1'), await statusOf(good, '127.0.0.2')], [429, 200]);
  storage.end();
  const statuses = await Promise.all(requests);
  assert.equal(statuses.filter((status) => status === 429).length, 1);
  await until('the requests give their places back', async () => (await statusOf(good, '127.0.0.1')) === 200);
});

/** The status of a GET that comes from this address of the machine. */
function statusOf(url: string, localAddress: string): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  http
    .get(url, { localAddress, agent: false }, (response) => resolve(response.resume().statusCode))
    .on('error', reject);
  return promise;
}
