import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { callbackReceiver } from '#test/helpers/callback-receiver.ts';
import { daemonProcess, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { readEvents } from '#test/helpers/event-reader.ts';
import { event, LIVEKIT_KEYS, participant, room, sendWebhook, track } from '#test/helpers/livekit-webhook.ts';

const ENV = { ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9' };
const LIVE = room('live-stage');
const SECRET = 'a-callback-secret';
const published = (n: number) =>
  event('track_published', { room: LIVE, participant: participant(`p${n}`), track: track(`TR_${n}`) });

/** A daemon whose app has a receiver, and its events about callbacks. */
async function watchedReceiver(t: TestContext) {
  const daemon = await testDaemon(t, ENV);
  const receiver = await callbackReceiver(t);
  await daemon.api.patch('/apps/live', { callbackUrl: receiver.url });
  const events = await readEvents(t, daemon.url, daemon.token, { query: '?topics=callbacks' });
  await events.next('hello');
  return { daemon, receiver, events };
}

test('events reach the app’s receiver in order, signed, numbered, and once', async (t) => {
  const daemon = await testDaemon(t, ENV);
  const receiver = await callbackReceiver(t);
  await daemon.api.patch('/apps/live', { callbackUrl: receiver.url, callbackSecret: SECRET });
  await sendWebhook(daemon.url, event('room_started', { room: LIVE }));
  const who = participant('ana', undefined, { name: 'Ana', permission: { hidden: true } });
  await sendWebhook(daemon.url, event('participant_joined', { room: LIVE, participant: who }));
  const publish = event('track_published', { room: LIVE, participant: participant('ana'), track: track('TR_1') });
  await sendWebhook(daemon.url, publish);
  await sendWebhook(daemon.url, publish);
  await sendWebhook(daemon.url, event('room_finished', { room: LIVE }));
  await receiver.next(({ body }) => body.event === 'stream_ended');

  assert.deepEqual(
    receiver.received.map(({ body }) => body.event),
    ['room_started', 'participant_joined', 'track_published', 'stream_started', 'room_finished', 'stream_ended'],
  );
  assert.deepEqual(
    receiver.received.map(({ body }) => body.seq),
    [1, 2, 3, 4, 5, 6],
  );
  for (const { headers, raw, body } of receiver.received) {
    assert.equal(headers['content-type'], 'application/json; charset=utf-8');
    assert.equal(headers['x-streamhub-event'], body.event);
    assert.equal(headers['x-streamhub-delivery'], body.id);
    assert.equal(headers['x-streamhub-timestamp'], body.timestamp);
    const expected = createHmac('sha256', SECRET).update(raw).digest('hex');
    assert.equal(headers['x-streamhub-signature'], `sha256=${expected}`);
    assert.deepEqual(Object.keys(body), ['id', 'seq', 'event', 'app', 'room', 'ts', 'timestamp', 'data']);
    assert.deepEqual([body.app, body.room, body.ts], ['live', 'live-stage', body.timestamp]);
  }
  assert.equal(new Set(receiver.received.map(({ body }) => body.id)).size, 6);
  const joined = receiver.received[1]?.body.data;
  assert.deepEqual(joined.participant, { identity: 'ana', name: 'Ana', sid: 'PA_ana', hidden: true });
  const passed = receiver.received[2]?.body.data;
  assert.deepEqual(passed.track, { sid: 'TR_1', type: 'video', source: 'camera', muted: false });
  assert.equal(passed.eventId, publish.id);
  const own = receiver.received[3]?.body.data;
  assert.deepEqual([own.streamId, own.participant, own.type], ['PA_ana', 'ana', 'webrtc']);

  const state = (await daemon.api.get('/apps/live/callbacks')).body.data;
  assert.deepEqual(
    [state.url, state.signed, state.pending, state.dead, state.delivered24h],
    [receiver.url, true, 0, 0, 6],
  );
  assert.equal(state.failingSince, null);
  const { body: list } = await daemon.api.get('/apps/live/callbacks/deliveries?limit=2&offset=1');
  assert.deepEqual(
    [list.total, ...list.data.map((one: any) => `${one.seq} ${one.state} ${one.attempts}`)],
    [6, '5 delivered 1', '4 delivered 1'],
  );
  const detail = (await daemon.api.get(`/apps/live/callbacks/deliveries/${list.data[0].id}`)).body.data;
  assert.equal(JSON.stringify(detail.message), receiver.received[4]?.raw);
  assert.doesNotMatch(JSON.stringify([state, list, detail]), new RegExp(SECRET));
});

test('a receiver that fails and comes back gets everything, the same message on every try', async (t) => {
  const { daemon, receiver, events } = await watchedReceiver(t);
  receiver.behave(503);
  await sendWebhook(daemon.url, published(1));
  const first = await receiver.next();
  await events.next('callback.failing');
  await sendWebhook(daemon.url, published(2));
  const waiting = (await daemon.api.get('/apps/live/callbacks')).body.data;
  assert.equal(waiting.pending, 4);
  assert.notEqual(waiting.failingSince, null);
  assert.match(waiting.lastError, /503/);
  assert.ok(waiting.nextAttemptAt > waiting.failingSince);

  const again = await receiver.next();
  assert.equal(again.raw, first.raw);
  assert.equal(again.headers['x-streamhub-delivery'], first.headers['x-streamhub-delivery']);
  assert.equal(again.headers['x-streamhub-signature'], undefined);
  await events.next('callback.recovered');
  await receiver.next(({ body }) => body.seq === 4);
  assert.deepEqual(
    receiver.received.map(({ body }) => body.seq),
    [1, 1, 2, 3, 4],
  );
});

test('the outbox survives a kill of the daemon', async (t) => {
  const dataDir = await temporaryDir(t);
  const receiver = await callbackReceiver(t);
  const first = await daemonProcess(t, dataDir, ENV);
  await first.api.patch('/apps/live', { callbackUrl: receiver.url, callbackSecret: SECRET });
  await receiver.close();
  for (const n of [1, 2, 3]) await sendWebhook(first.url, published(n));
  const { body } = await first.api.get('/apps/live/callbacks/deliveries?state=pending');
  await first.end('SIGKILL');
  await receiver.open();
  await daemonProcess(t, dataDir, ENV);
  await receiver.next(({ body: message }) => message.seq === 6);
  assert.deepEqual(
    receiver.received.map(({ body: message }) => message.id),
    body.data.map((one: any) => one.id).reverse(),
  );
  assert.ok(receiver.received.every(({ headers }) => headers['x-streamhub-signature']));
});

test('what a receiver refuses for good lands in the dead-letter list and can be sent again', async (t) => {
  const { daemon, receiver, events } = await watchedReceiver(t);
  receiver.behave(410, (_received, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end());
  await sendWebhook(daemon.url, published(1));
  await sendWebhook(daemon.url, published(2));
  await receiver.next(({ body }) => body.seq === 4);
  await events.next('callback.dead');
  await events.next((m) => m.event === 'callback.delivered' && m.data.data.seq === 4);
  const dead = (await daemon.api.get('/apps/live/callbacks/deliveries?state=dead')).body;
  assert.deepEqual(
    dead.data.map((one: any) => [one.seq, one.attempts, one.lastStatus, one.lastError]),
    [
      [2, 1, 302, 'The receiver responded with 302; redirects are not followed.'],
      [1, 1, 410, 'The receiver responded with 410.'],
    ],
  );
  const one = await daemon.api.call('POST', `/apps/live/callbacks/deliveries/${dead.data[1].id}/redeliver`);
  assert.deepEqual([one.status, one.body.data.state], [202, 'pending']);
  assert.equal((await receiver.next()).body.id, dead.data[1].id);
  const rest = await daemon.api.call('POST', '/apps/live/callbacks/redeliver');
  assert.deepEqual([rest.status, rest.body.data], [202, { redelivered: 1 }]);
  assert.equal((await receiver.next()).body.id, dead.data[0].id);
  await events.next((m) => m.event === 'callback.delivered' && m.data.data.seq === 2);
  assert.equal((await daemon.api.get('/apps/live/callbacks')).body.data.dead, 0);
  const unknown = await daemon.api.call('POST', '/apps/live/callbacks/deliveries/nobody/redeliver');
  assert.deepEqual([unknown.status, unknown.body.code], [404, 'DELIVERY_NOT_FOUND']);
});

test('a test event can be sent; without a URL nothing is kept and nothing can be sent', async (t) => {
  const daemon = await testDaemon(t, ENV);
  const receiver = await callbackReceiver(t);
  await sendWebhook(daemon.url, published(1));
  const off = await daemon.api.call('POST', '/apps/live/callbacks/test');
  assert.deepEqual([off.status, off.body.code], [409, 'CALLBACKS_OFF']);
  assert.equal((await daemon.api.get('/apps/live/callbacks/deliveries')).body.total, 0);
  await daemon.api.patch('/apps/live', { callbackUrl: receiver.url });
  const sent = await daemon.api.call('POST', '/apps/live/callbacks/test');
  assert.equal(sent.status, 202);
  const { body } = await receiver.next();
  assert.deepEqual([body.event, body.seq, body.id], ['test', 1, sent.body.data.id]);

  // switched off while something waits
  const events = await readEvents(t, daemon.url, daemon.token, { query: '?topics=callbacks' });
  await events.next('hello');
  receiver.behave(500);
  await daemon.api.call('POST', '/apps/live/callbacks/test');
  await events.next('callback.failing');
  // another receiver is not blamed for what the first one did
  const other = await callbackReceiver(t);
  other.behave((_received, response) => response.writeHead(500, { 'retry-after': '3600' }).end());
  await daemon.api.patch('/apps/live', { callbackUrl: other.url });
  await events.next('callback.recovered');
  await events.next('callback.failing');
  await daemon.api.patch('/apps/live', { callbackUrl: '' });
  await events.next('callback.recovered');
  await events.next('callback.dead');
  const { failingSince, lastError, nextAttemptAt } = (await daemon.api.get('/apps/live/callbacks')).body.data;
  assert.deepEqual([failingSince, lastError, nextAttemptAt], [null, null, null]);
  const { data } = (await daemon.api.get('/apps/live/callbacks/deliveries?state=dead')).body;
  assert.deepEqual([data.length, data[0].seq], [1, 2]);
});

test('a receiver of another app is never waited for', async (t) => {
  const daemon = await testDaemon(t, ENV);
  await daemon.api.post('/apps', { name: 'other' });
  const stuck = await callbackReceiver(t);
  const good = await callbackReceiver(t);
  await daemon.api.patch('/apps/live', { callbackUrl: stuck.url });
  await daemon.api.patch('/apps/other', { callbackUrl: good.url });
  stuck.behave(() => {});
  await daemon.api.call('POST', '/apps/live/callbacks/test');
  await stuck.next();
  await daemon.api.call('POST', '/apps/other/callbacks/test');
  assert.equal((await good.next()).body.app, 'other');
});

test('one event that the receiver can’t take is skipped, alone or with all up to a number or time', async (t) => {
  const { daemon, receiver, events } = await watchedReceiver(t);
  const later = { 'retry-after': '3600' };
  receiver.behave((_received, response) => response.writeHead(500, later).end());
  await sendWebhook(daemon.url, published(1));
  await sendWebhook(daemon.url, published(2));
  await events.next('callback.failing');
  const skip = (body: object) => daemon.api.post('/apps/live/callbacks/skip', body);
  const one = await skip({});
  assert.deepEqual([one.status, one.body.data], [200, { skipped: 1 }]);
  await receiver.next(({ body }) => body.seq === 2);
  const dead = (await daemon.api.get('/apps/live/callbacks/deliveries?state=dead')).body.data;
  assert.deepEqual(
    dead.map((row: any) => row.seq),
    [1],
  );
  assert.match(dead[0].lastError, /^Skipped by /);
  for (const wrong of [{ untilSeq: 0 }, { untilSeq: '3' }, { untilTime: 'yesterday' }]) {
    assert.equal((await skip(wrong)).status, 400, JSON.stringify(wrong));
  }
  assert.equal((await skip({ untilSeq: 1 })).body.data.skipped, 0, 'nothing waits up to there');
  receiver.behave((_received, response) => response.writeHead(500, later).end());
  const before = new Date(Date.now() + 1000).toISOString();
  const waiting = (await daemon.api.get('/apps/live/callbacks')).body.data.pending;
  assert.equal((await skip({ untilTime: before })).body.data.skipped, waiting);
  await events.next('callback.recovered');
  const { pending, failingSince, lastError } = (await daemon.api.get('/apps/live/callbacks')).body.data;
  assert.deepEqual([pending, failingSince, lastError], [0, null, null]);
  const audit = (await daemon.api.get('/audit?action=callback.skip')).body.data;
  assert.ok(audit.length >= 2);
});
