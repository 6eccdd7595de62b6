import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { EVENT_PAYLOADS } from '#shared/schema/event-payloads.ts';
import type { EventType } from '#shared/schema/events.ts';
import { daemonProcess, TEST_TOKEN, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { problemsOf, sampleEvent } from '#test/helpers/declared-events.ts';
import { type EventReader, readEvents } from '#test/helpers/event-reader.ts';
import { join, MANY_ATTEMPTS, makeTeam } from '#test/helpers/people.ts';

test('a change is announced with its id, topic, app and author', async (t) => {
  const daemon = await testDaemon(t);
  const reader = await readEvents(t, daemon.url, TEST_TOKEN, { query: '?topics=apps' });
  assert.equal(reader.status, 200);
  assert.match(reader.headers.get('content-type') ?? '', /^text\/event-stream/);
  assert.equal(reader.headers.get('x-content-type-options'), 'nosniff');
  const hello = await reader.next();
  assert.equal(hello.event, 'hello');
  assert.match(hello.id ?? '', /^\d+$/);

  await daemon.api.post('/apps', { name: 'demo', displayName: 'Demo' });
  const created = await reader.next();
  assert.equal(created.event, 'app.created');
  assert.equal(created.data.topic, 'apps');
  assert.equal(created.data.app, 'demo');
  assert.equal(created.data.actor.id, 'token:1');
  assert.equal(created.data.data.displayName, 'Demo');
  assert.equal(String(created.data.id), created.id);
  assert.ok(Number(created.id) > Number(hello.id));
});

test('a reader that resumes hears what it missed once and in order, also after a restart and a kill', async (t) => {
  const dataDir = await temporaryDir(t);
  const names = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `app-${from + i}`);
  const heard: string[] = [];
  const collect = async (reader: Awaited<ReturnType<typeof readEvents>>, count: number): Promise<string> => {
    let id = '';
    while (count-- > 0) {
      const message = await reader.next('app.created');
      heard.push(message.data.app);
      id = message.id ?? '';
    }
    reader.close();
    return id;
  };

  const first = await daemonProcess(t, dataDir);
  const opening = await readEvents(t, first.url, TEST_TOKEN);
  await opening.next('hello');
  for (const name of names(0, 3)) await first.api.post('/apps', { name });
  let last = await collect(opening, 3);
  for (const name of names(3, 6)) await first.api.post('/apps', { name });
  await first.end('SIGTERM');

  const second = await daemonProcess(t, dataDir);
  const resumed = await readEvents(t, second.url, TEST_TOKEN, { lastEventId: last });
  for (const name of names(6, 8)) await second.api.post('/apps', { name });
  last = await collect(resumed, 5);
  for (const name of names(8, 10)) await second.api.post('/apps', { name });
  await second.end('SIGKILL');

  const third = await daemonProcess(t, dataDir);
  const again = await readEvents(t, third.url, TEST_TOKEN, { query: `?lastEventId=${last}` });
  for (const name of names(10, 11)) await third.api.post('/apps', { name });
  await collect(again, 3);
  assert.deepEqual(heard, names(0, 11));
  assert.ok(again.heard.every((message) => message.event !== 'reset'));
});

test('an id from nowhere is answered with a reset, and the stream goes on', async (t) => {
  const daemon = await testDaemon(t);
  for (const lastEventId of ['7', '9007199254740000', 'abc']) {
    const reader = await readEvents(t, daemon.url, TEST_TOKEN, { lastEventId });
    const reset = await reader.next('reset');
    assert.equal(reset.data.reason, lastEventId === '7' ? 'too_old' : 'unknown_id');
    assert.match(reset.id ?? '', /^\d+$/);
    await daemon.api.post('/apps', { name: `after-${lastEventId}` });
    assert.equal((await reader.next('app.created')).data.app, `after-${lastEventId}`);
    reader.close();
  }
});

test('what is sent is what the type of the event declares', async (t) => {
  const daemon = await testDaemon(t);
  const reader = await readEvents(t, daemon.url, TEST_TOKEN);
  await reader.next('hello');
  await daemon.api.post('/apps', { name: 'told' });
  await daemon.api.patch('/apps/told', { displayName: 'Told' });
  const { body } = await daemon.api.post('/tokens', { name: 'told', scope: 'global' });
  await daemon.api.delete(`/tokens/${body.id}`);
  await daemon.api.delete('/apps/told');
  await reader.next('app.deleted');
  const heard = reader.heard.filter(({ event }) => event in EVENT_PAYLOADS);
  const types = new Set(heard.map(({ event }) => event));
  for (const type of ['app.created', 'config.changed', 'token.created', 'token.revoked', 'app.deleted'])
    assert.ok(types.has(type), type);
  assert.deepEqual(
    heard.flatMap(({ data }) => problemsOf(data)),
    [],
  );
  assert.deepEqual(problemsOf({ type: 'app.deleted', data: { id: 1, name: 'told', more: true } }), [
    'app.deleted: more is not declared',
  ]);
  assert.equal(problemsOf({ type: 'app.deleted', data: { id: '1', name: 'told' } }).length, 1);
});

test('an app token hears its own app only; topics and app narrow the stream', async (t) => {
  const daemon = await testDaemon(t);
  const one = (await daemon.api.post('/apps', { name: 'one' })).body;
  await daemon.api.post('/apps', { name: 'two' });
  const { body: appToken } = await daemon.api.post('/tokens', { name: 'own', scope: 'app', appId: one.id });
  const own = await readEvents(t, daemon.url, appToken.token);
  const streams = await readEvents(t, daemon.url, TEST_TOKEN, { query: '?topics=streams' });
  const two = await readEvents(t, daemon.url, TEST_TOKEN, { query: '?app=two&topics=streams,config,logs' });
  for (const reader of [own, streams, two]) await reader.next('hello');

  const publish = (type: EventType, app?: string) =>
    daemon.services.events.publish(sampleEvent(type, app === undefined ? {} : { app }));
  publish('stream.started', 'two');
  publish('node.joined');
  publish('token.created');
  publish('config.changed', 'one');
  publish('log.line', 'two');
  publish('stream.ended', 'one');
  publish('stream.ended', 'two');

  await own.next('stream.ended');
  await streams.next((m) => m.event === 'stream.ended' && m.data.app === 'two');
  await two.next('stream.ended');
  const seen = (reader: typeof own) => reader.heard.slice(1).map((m) => `${m.event} ${m.data.app}`);
  assert.deepEqual(seen(own), ['config.changed one', 'stream.ended one']);
  assert.deepEqual(seen(streams), ['stream.started two', 'stream.ended one', 'stream.ended two']);
  assert.deepEqual(seen(two), ['stream.started two', 'log.line two', 'stream.ended two']);

  const refused = await daemon.api.get('/events?topics=nonsense');
  assert.equal(refused.status, 400);
  assert.equal(refused.body.details[0].path, 'query.topics');
});

test('without a credential there is no stream', async (t) => {
  const daemon = await testDaemon(t);
  assert.equal((await daemon.api.as(null).get('/events')).status, 401);
});

test('revoking the token ends its streams at once, and no others', async (t) => {
  const daemon = await testDaemon(t);
  const { body } = await daemon.api.post('/tokens', { name: 'soon gone', scope: 'global' });
  const doomed = await readEvents(t, daemon.url, body.token);
  const other = await readEvents(t, daemon.url, TEST_TOKEN);
  await doomed.next('hello');
  await daemon.api.delete(`/tokens/${body.id}`);
  assert.equal((await doomed.next('bye')).data.reason, 'revoked');
  await doomed.ended;
  await other.next('token.revoked');
  assert.equal(other.isEnded, false);
});

test('deleting an app ends the streams of its tokens', async (t) => {
  const daemon = await testDaemon(t);
  const app = (await daemon.api.post('/apps', { name: 'gone' })).body;
  const { body } = await daemon.api.post('/tokens', { name: 'own', scope: 'app', appId: app.id });
  const reader = await readEvents(t, daemon.url, body.token);
  await reader.next('hello');
  daemon.services.apps.remove('gone', { id: 'system' });
  await reader.next('bye');
  await reader.ended;
  assert.deepEqual(
    reader.heard.map((m) => m.event),
    ['hello', 'app.deleted', 'bye'],
  );
});

test('a stop of the daemon says good-bye to its readers and does not wait for them', async (t) => {
  const daemon = await testDaemon(t);
  const reader = await readEvents(t, daemon.url, TEST_TOKEN);
  await reader.next('hello');
  await daemon.stop();
  assert.equal((await reader.next('bye')).data.reason, 'shutdown');
  await reader.ended;
});

test('a reader that takes nothing is cut off, others hear everything, and it can resume', async (t) => {
  const daemon = await testDaemon(t);
  const { port } = new URL(daemon.url);
  const socket = net.connect(Number(port), '127.0.0.1');
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  socket.write(`GET /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TEST_TOKEN}\r\n\r\n`);
  const [head] = (await once(socket, 'data')) as [Buffer];
  const from = /^id: (\d+)/m.exec(head.toString())?.[1] ?? (await nextId(socket));
  socket.pause();
  const good = await readEvents(t, daemon.url, TEST_TOKEN);
  await good.next('hello');
  assert.equal(daemon.services.eventStream.readers, 2);

  const filler = 'x'.repeat(60_000);
  let sent = 0;
  while (daemon.services.eventStream.readers === 2 && sent < 2000) {
    daemon.services.events.publish(sampleEvent('config.reloaded', { data: { etag: `${sent++}`, detail: filler } }));
    await good.next((m) => m.data.data.etag === `${sent - 1}`);
  }
  assert.equal(daemon.services.eventStream.readers, 1, 'the slow reader is still held');

  const resumed = await readEvents(t, daemon.url, TEST_TOKEN, { lastEventId: from });
  await resumed.next((m) => m.data.data?.etag === `${sent - 1}`);
  const numbers = resumed.heard.filter((m) => m.event === 'config.reloaded').map((m) => Number(m.data.data.etag));
  assert.deepEqual(
    numbers,
    Array.from({ length: sent }, (_, i) => i),
  );
});

async function nextId(socket: net.Socket): Promise<string> {
  let text = '';
  for (;;) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    text += chunk.toString();
    const id = /^id: (\d+)/m.exec(text)?.[1];
    if (id) return id;
  }
}

test('three hundred readers each hear an event once', async (t) => {
  const daemon = await testDaemon(t);
  const readers = await Promise.all(
    Array.from({ length: 300 }, () => readEvents(t, daemon.url, TEST_TOKEN, { query: '?topics=apps' })),
  );
  await Promise.all(readers.map((reader) => reader.next('hello')));
  await daemon.api.post('/apps', { name: 'famous' });
  await daemon.api.post('/apps', { name: 'last' });
  await Promise.all(readers.map((reader) => reader.next((m) => m.data.app === 'last')));
  for (const reader of readers) {
    assert.deepEqual(
      reader.heard.map((m) => m.event),
      ['hello', 'app.created', 'app.created'],
    );
    reader.close();
  }
});

test('people hear their own team’s apps, by their role, until they are signed out', async (t) => {
  const daemon = await testDaemon(t, MANY_ATTEMPTS);
  const red = await makeTeam(daemon, 'red');
  const blue = await makeTeam(daemon, 'blue');
  const viewer = await join(daemon, red.owner.api, 'viewer@example.com', 'viewer');
  const hear = async (token: string) => {
    const reader = await readEvents(t, daemon.url, token);
    await reader.next('hello');
    return reader;
  };
  const readers = [
    await hear(red.owner.api.token as string),
    await hear(viewer.api.token as string),
    await hear(blue.owner.api.token as string),
  ];
  await red.owner.api.post('/apps', { name: 'red-app' });
  await blue.owner.api.post('/apps', { name: 'blue-app' });
  await red.owner.api.patch('/apps/red-app', { displayName: 'Red' });
  daemon.services.events.publish(sampleEvent('stream.started', { app: 'red-app' }));
  daemon.services.events.publish(sampleEvent('node.joined'));
  daemon.services.events.publish(sampleEvent('stream.started', { app: 'blue-app' }));
  await Promise.all(readers.map((reader) => reader.next('stream.started')));
  const heard = readers.map((reader) => [...new Set(reader.heard.slice(1).map((m) => `${m.event} ${m.data.app}`))]);
  assert.deepEqual(heard, [
    ['app.created red-app', 'config.changed red-app', 'stream.started red-app'],
    ['app.created red-app', 'config.changed red-app', 'stream.started red-app'],
    ['app.created blue-app', 'stream.started blue-app'],
  ]);
  await viewer.api.delete('/auth/sessions');
  const { body } = await viewer.api.get('/auth/sessions');
  await viewer.api.delete(`/auth/sessions/${body.data[0].id}`);
  assert.equal((await readers[1]?.next('bye'))?.data.reason, 'revoked');
  assert.equal(readers[0]?.isEnded, false);
});

test('a team hears of itself, and a person of changed rights, also one who has left', async (t) => {
  const daemon = await testDaemon(t, MANY_ATTEMPTS);
  const { id, owner } = await makeTeam(daemon, 'red');
  const blue = await makeTeam(daemon, 'blue');
  const viewer = await join(daemon, owner.api, 'viewer@example.com', 'viewer');
  const hear = (who: typeof owner) => readEvents(t, daemon.url, who.api.token as string, { query: '?topics=access' });
  const readers = await Promise.all([owner, viewer, blue.owner].map(hear));
  const [owners, viewers, strangers] = readers as [EventReader, EventReader, EventReader];
  for (const reader of readers) await reader.next('hello');
  const member = `/teams/mine/members/${viewer.id}`;
  const changes = [
    () => owner.api.patch(member, { role: 'editor' }),
    () => join(daemon, owner.api, 'new@example.com', 'viewer'),
    () => daemon.api.patch(`/tenants/${id}`, { plan: 'pro' }),
    () => owner.api.delete(member),
  ];
  for (const change of changes) {
    await change();
    for (const reader of [owners, viewers]) assert.equal((await reader.next('team.changed')).data.data.tenant, id);
  }
  await daemon.api.patch(`/users/${viewer.id}`, { isSuperadmin: true });
  assert.equal((await viewers.next((m) => m.data.data?.tenant === 'platform')).event, 'team.changed');
  await daemon.api.patch(`/tenants/${blue.id}`, { plan: 'pro' });
  await strangers.next('team.changed');
  assert.ok(strangers.heard.every((m) => m.data.data?.tenant !== id));
});
