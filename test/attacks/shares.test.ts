import assert from 'node:assert/strict';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { SHARES } from '#shared/rules/shares.ts';
import { TEST_TOKEN, testDaemon } from '#test/helpers/daemon.ts';
import { type EventReader, readEvents } from '#test/helpers/event-reader.ts';
import { firstAdmin, join, MANY_ATTEMPTS, makeTeam } from '#test/helpers/people.ts';
import { addVods } from '#test/helpers/recordings.ts';
import { until } from '#test/helpers/until.ts';

test('one viewer opens a share of the event streams; others and operators still get theirs', async (t) => {
  const daemon = await testDaemon(t, MANY_ATTEMPTS);
  const root = await firstAdmin(daemon);
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

test('searches of one person leave room for others', async (t) => {
  const daemon = await testDaemon(t, MANY_ATTEMPTS);
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
