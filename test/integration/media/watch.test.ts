import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TokenVerifier } from 'livekit-server-sdk';
import { sharedDaemon } from '#test/helpers/daemon.ts';
import { event, LIVEKIT_KEYS, participant, room, sendWebhook, track } from '#test/helpers/livekit-webhook.ts';

const verifier = new TokenVerifier(LIVEKIT_KEYS.LIVEKIT_API_KEY, LIVEKIT_KEYS.LIVEKIT_API_SECRET);
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('what a page needs to play a room', () => {
  const daemon = sharedDaemon({ ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9' });
  const watch = (place: string, headers: Record<string, string> = {}) =>
    daemon.api.as(null).get(`/apps/live/watch/${place}`, headers);
  const joinToken = async (body: object): Promise<string> =>
    (await daemon.api.post('/apps/live/tokens', body)).body.data.token;
  const features = async (flags: Record<string, boolean>) =>
    assert.equal((await daemon.api.patch('/apps/live', { features: flags })).status, 200);

  test('a room that is not open gives nobody a token', async () => {
    const { status, body, headers } = await watch('stage');
    assert.equal(status, 200);
    assert.equal(headers.get('cache-control'), 'no-store');
    const { room: name, isLive, wsUrl, token, hlsUrl, first } = body.data;
    assert.deepEqual([name, isLive, wsUrl, token, hlsUrl, first], ['live-stage', false, null, null, null, 'webrtc']);
  });

  test('in an open room a stranger gets a short token that only watches', async () => {
    const parts = { room: room('live-stage'), participant: participant('camera-1') };
    await sendWebhook(daemon.url, event('track_published', { ...parts, track: track('TR_1') }));
    await sendWebhook(daemon.url, event('participant_joined', { ...parts, participant: participant('viewer-1') }));
    const { data } = (await watch('stage')).body;
    assert.deepEqual([data.isLive, data.viewers, data.wsUrl], [true, 1, 'ws://127.0.0.1:9']);
    const claims = (await verifier.verify(data.token)) as any;
    assert.deepEqual(claims.video, {
      room: 'live-stage',
      roomJoin: true,
      canPublish: false,
      canPublishData: false,
      canSubscribe: true,
    });
    assert.match(claims.sub, /^viewer-[0-9a-f-]{36}$/);
    assert.ok(claims.exp - claims.nbf <= 300);
    assert.notEqual((await watch('live-stage')).body.data.token, data.token, 'each viewer has an own identity');
  });

  test('features decide what viewers may send and see', async () => {
    await features({ chat: true, viewerCounter: false, adaptivePlayer: false });
    const { data } = (await watch('stage')).body;
    assert.equal(data.viewers, null);
    assert.deepEqual(data.features, {
      viewerCounter: false,
      chat: true,
      reactions: false,
      publicPlayback: true,
      adaptivePlayer: false,
    });
    assert.equal(((await verifier.verify(data.token)) as any).video.canPublishData, true);
    const viewer = (await verifier.verify(await joinToken({ canPublish: false }))) as any;
    assert.equal(viewer.video.canPublishData, true);
    await features({ chat: false, viewerCounter: true, adaptivePlayer: true });
    const silent = (await verifier.verify(await joinToken({ canPublish: false }))) as any;
    assert.equal(silent.video.canPublishData, false);
  });

  test('without public playback only a join token of the room opens it', async () => {
    await features({ publicPlayback: false });
    const refused = await watch('stage');
    assert.deepEqual([refused.status, refused.body.code], [403, 'PLAYBACK_NOT_PUBLIC']);
    const own = await joinToken({ room: 'stage', canPublish: false });
    const { status, body } = await watch('stage', bearer(own));
    assert.deepEqual([status, body.data.token, body.data.wsUrl], [200, null, 'ws://127.0.0.1:9']);
    const broken = `${own.slice(0, -3)}abc`;
    for (const token of [broken, 'x', daemon.token, await joinToken({ room: 'other' })]) {
      const answer = await watch('stage', bearer(token));
      assert.deepEqual([answer.status, answer.body.code], [403, 'JOIN_TOKEN_INVALID']);
    }
    await features({ publicPlayback: true });
    assert.notEqual((await watch('stage', bearer(broken))).body.data.token, null, 'an old token is no obstacle');
  });

  test('pages of other sites may ask, with a token too', async () => {
    const asked = await daemon.api.as(null).call('OPTIONS', '/apps/live/watch/stage');
    assert.equal(asked.status, 204);
    assert.equal(asked.headers.get('access-control-allow-headers'), 'authorization, content-type');
    for (const answer of [asked, await watch('stage')])
      assert.equal(answer.headers.get('access-control-allow-origin'), '*');
    const api = daemon.api.as(null);
    for (const [status, answer] of [
      [400, await api.post('/apps/live/watch/stage/viewers', {})],
      [400, await api.post('/apps/live/watch/stage/viewers', '{broken')],
      [400, await api.post('/apps/live/telemetry', {})],
      [404, await api.get('/apps/none/watch/stage')],
      [403, await api.get(`/apps/live/files/film.mp4?folder=recordings&expires=1&signature=${'a'.repeat(43)}`)],
      [400, await api.get('/apps/live/playlists/film.m3u8')],
    ] as const) {
      assert.equal(answer.status, status, answer.text);
      assert.equal(answer.headers.get('access-control-allow-origin'), '*', answer.text);
      assert.match(answer.headers.get('access-control-expose-headers') ?? '', /retry-after.*x-request-id/);
      assert.equal(answer.headers.get('cross-origin-resource-policy'), 'cross-origin');
    }
  });

  test('the pages are served with their files, to be framed anywhere, and without inline scripts', async () => {
    for (const page of ['publish', 'watch', 'embed']) {
      const { status, text, headers } = await daemon.api.as(null).call('GET', `//${page}/live/live-stage`);
      assert.equal(status, 200);
      assert.match(headers.get('content-security-policy') ?? '', /script-src 'self';.*frame-ancestors \*/);
      assert.doesNotMatch(text, /<script(?![^>]* src=)| on\w+=|style=/);
      for (const [, file] of text.matchAll(/(?:src|href)="(player\/[^"]+)"/g)) {
        const asset = await daemon.api.as(null).call('GET', `//${file}`);
        assert.equal(asset.status, 200, file);
        const again = await daemon.api
          .as(null)
          .call('GET', `//${file}`, undefined, { 'if-none-match': asset.headers.get('etag') as string });
        assert.equal(again.status, 304);
      }
      const own = await daemon.api.as(null).call('GET', `//${page}/live`);
      assert.deepEqual([own.status, own.headers.get('location')], [302, 'live/live']);
      const regional = await daemon.api.as(null).call('GET', `//${page}/live?region=paris`);
      assert.equal(regional.headers.get('location'), 'live/live?region=paris');
    }
    for (const file of ['hls.mjs', 'hls.worker.js', 'livekit-client.mjs'])
      assert.equal((await daemon.api.as(null).call('GET', `//sdk/${file}`)).status, 200, file);
    for (const name of ['watch.html.tmpl', '..%2Fservice.ts', 'none.js'])
      assert.equal((await daemon.api.as(null).call('GET', `//player/${name}`)).status, 404, name);
  });

  test('the look of the pages comes from the config', async () => {
    const before = (await watch('stage')).body.data;
    assert.deepEqual([before.title, before.accent, before.logoUrl], ['Live', null, null]);
    const { yaml } = (await daemon.api.get('/apps/live/config/raw')).body.data;
    const look = '\nplayer: {title: Studio Paris, accent: "#c2255c", logo_url: "https://example.com/logo.svg"}\n';
    assert.equal((await daemon.api.put('/apps/live/config/raw', { yaml: yaml + look })).status, 200);
    const { title, accent, logoUrl } = (await watch('stage')).body.data;
    assert.deepEqual([title, accent, logoUrl], ['Studio Paris', '#c2255c', 'https://example.com/logo.svg']);
    const wrong = await daemon.api.put('/apps/live/config/raw', { yaml: `${yaml}\nplayer: {accent: red}\n` });
    assert.equal(wrong.status, 400);
  });

  test('only pages that play live HLS are counted, and only those who may watch ask', async () => {
    const viewer = 'a'.repeat(32);
    const count = (body: object, headers = {}, place = 'stage') =>
      daemon.api.as(null).call('POST', `/apps/live/watch/${place}/viewers`, body, headers);
    const told = await count({ viewer });
    assert.deepEqual([told.status, told.body.data], [200, { viewers: 1, hlsViewers: 0 }], 'it has no live HLS');
    assert.equal(told.headers.get('access-control-allow-origin'), '*');
    for (const wrong of [{}, { viewer: 'short' }, { viewer: `${viewer} ` }, { viewer: 'a'.repeat(65) }])
      assert.equal((await count(wrong)).status, 400, JSON.stringify(wrong));
    await features({ publicPlayback: false, viewerCounter: false });
    assert.equal((await count({ viewer })).body.code, 'PLAYBACK_NOT_PUBLIC');
    const own = bearer(await joinToken({ room: 'stage', canPublish: false }));
    assert.deepEqual((await count({ viewer }, own)).body.data, { viewers: null, hlsViewers: null });
    assert.equal((await count({ viewer }, own, 'other')).body.code, 'JOIN_TOKEN_INVALID');
    await features({ publicPlayback: true, viewerCounter: true });
  });

  test('names of other apps and of no app are refused', async () => {
    await daemon.api.post('/apps', { name: 'other', roomPrefix: 'live-other' });
    const foreign = await watch('other');
    assert.deepEqual([foreign.status, foreign.body.details[0].path], [400, 'params.room']);
    assert.equal((await daemon.api.as(null).get('/apps/nobody/watch/x')).body.code, 'APP_NOT_FOUND');
    assert.equal((await watch(`stage?region=${'r'.repeat(65)}`)).status, 400);
    assert.equal((await watch('with%20space')).status, 400);
    assert.equal((await watch('r'.repeat(121))).status, 400);
  });
});
