import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenVerifier } from 'livekit-server-sdk';
import { testDaemon } from '#test/helpers/daemon.ts';
import { LIVEKIT_KEYS } from '#test/helpers/livekit-webhook.ts';

const ENV = { ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9' };
const verifier = new TokenVerifier(LIVEKIT_KEYS.LIVEKIT_API_KEY, LIVEKIT_KEYS.LIVEKIT_API_SECRET);

test('a join token says what was asked for and nothing more', async (t) => {
  const daemon = await testDaemon(t, { ...ENV, PUBLIC_WS_URL: 'wss://media.example.com' });
  const plain = await daemon.api.call('POST', '/apps/live/tokens');
  assert.equal(plain.status, 201);
  const { data } = plain.body;
  assert.equal(data.room, 'live');
  assert.match(data.identity, /^anon-[0-9a-f-]{36}$/);
  assert.equal(data.wsUrl, 'wss://media.example.com');
  assert.deepEqual([data.hidden, data.audioOnly, data.adaptive, data.node], [false, false, true, null]);
  const claims = await verifier.verify(data.token);
  assert.deepEqual(claims.video, {
    room: 'live',
    roomJoin: true,
    canPublish: true,
    canPublishData: true,
    canSubscribe: true,
  });
  const lifetime = (claims as any).exp - (claims as any).nbf;
  assert.ok(Math.abs(lifetime - 21_600) < 5, `${lifetime}`);

  const full = await daemon.api.post('/apps/live/tokens', {
    room: 'stage',
    identity: 'ana',
    name: 'Ana',
    metadata: '{"seat":7}',
    canPublish: true,
    canSubscribe: false,
    ttl: '10m',
    hidden: true,
    recorder: true,
    audioOnly: true,
  });
  assert.equal(full.body.data.room, 'live-stage');
  const more: any = await verifier.verify(full.body.data.token);
  assert.deepEqual(more.video, {
    room: 'live-stage',
    roomJoin: true,
    canPublish: true,
    canPublishData: true,
    canSubscribe: false,
    hidden: true,
    recorder: true,
    canPublishSources: ['microphone'],
  });
  assert.deepEqual([more.sub, more.name, more.metadata], ['ana', 'Ana', '{"seat":7}']);
  assert.ok(Math.abs(more.exp - more.nbf - 600) < 5);
});

test('the pages of the answer open without a credential and hold the token in the fragment only', async (t) => {
  const daemon = await testDaemon(t, ENV);
  const { data } = (await daemon.api.post('/apps/live/tokens', {})).body;
  assert.equal(new URL(data.publishUrl).pathname, '/publish/live/live');
  const viewer = (await daemon.api.post('/apps/live/tokens', { canPublish: false })).body.data;
  assert.equal(viewer.publishUrl, null);
  for (const link of [data.playUrl, data.embedUrl]) {
    const url = new URL(link);
    assert.equal(url.origin, daemon.url);
    assert.equal(url.search, '');
    const fragment = new URLSearchParams(url.hash.slice(1));
    assert.deepEqual([fragment.get('token'), fragment.get('url')], [data.token, data.wsUrl]);
    const page = await fetch(link);
    assert.equal(page.status, 200);
    assert.match(await page.text(), /player\/watch\.js/);
  }
  assert.ok(data.iframe.includes(data.embedUrl.replaceAll('&', '&amp;')));
  const behind = await testDaemon(t, { ...ENV, PUBLIC_BASE_URL: 'https://hub.example.com/' });
  const { data: there } = (await behind.api.post('/apps/live/tokens', {})).body;
  assert.ok(there.playUrl.startsWith('https://hub.example.com/watch/live/live#'));
});

test('a room name never leads into another app', async (t) => {
  const daemon = await testDaemon(t, ENV);
  await daemon.api.post('/apps', { name: 'other', roomPrefix: 'live-other' });
  const refused = await daemon.api.post('/apps/live/tokens', { room: 'other' });
  assert.equal(refused.status, 400);
  assert.equal(refused.body.details[0].path, 'body.room');
  assert.equal((await daemon.api.post('/apps/live/tokens', { room: 'live-other-x' })).status, 400);
  assert.equal((await daemon.api.post('/apps/live/tokens', { room: 'others' })).body.data.room, 'live-others');
  assert.equal((await daemon.api.post('/apps/other/tokens', { room: 'live' })).body.data.room, 'live-other-live');
  assert.equal((await daemon.api.post('/apps/nobody/tokens', {})).status, 404);
});

test('limits of a join token', async (t) => {
  const daemon = await testDaemon(t, ENV);
  const ask = async (body: object) => (await daemon.api.post('/apps/live/tokens', body)).status;
  assert.equal(await ask({ room: 'r'.repeat(120) }), 201);
  for (const body of [
    { room: 'r'.repeat(121) },
    { room: 'with space' },
    { room: '' },
    { identity: 'i'.repeat(121) },
    { name: 'n'.repeat(121) },
    { metadata: 'm'.repeat(2001) },
    { ttl: '10' },
    { ttl: '0m' },
    { ttl: '31d' },
    { ttl: 600 },
    { canPublish: 'true' },
  ]) {
    assert.equal(await ask(body), 400, JSON.stringify(body).slice(0, 60));
  }
  assert.equal(await ask({ ttl: '30d' }), 201);
  await daemon.api.patch('/apps/live', { features: { hiddenQc: false } });
  const hidden = await daemon.api.post('/apps/live/tokens', { hidden: true });
  assert.deepEqual([hidden.status, hidden.body.code], [400, 'FEATURE_OFF']);
  assert.equal(await ask({ hidden: false }), 201);
});

test('without LiveKit keys there is no token', async (t) => {
  const daemon = await testDaemon(t);
  const answer = await daemon.api.post('/apps/live/tokens', {});
  assert.deepEqual([answer.status, answer.body.code], [503, 'LIVEKIT_NOT_CONFIGURED']);
});
