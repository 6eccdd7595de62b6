// Ingests on a real LiveKit server. Its ingress service cannot be had here: RTMP and WHIP ingests are made without it,
// and what it would send when an encoder comes is sent as LiveKit signs it.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { ApiError } from '#shared/errors.ts';
import { INGESTS_PER_TEAM } from '#shared/limits.ts';
import { blockScope, type TestDaemon, testDaemon } from '#test/helpers/daemon.ts';
import { readEvents } from '#test/helpers/event-reader.ts';
import { type LivekitServer, startLivekit } from '#test/helpers/livekit.ts';
import { event, sendWebhook } from '#test/helpers/livekit-webhook.ts';
import { makeTeam } from '#test/helpers/people.ts';
import { until } from '#test/helpers/until.ts';

const scope = blockScope();
const livekit = startLivekit(scope);

describe('ingests', { skip: typeof livekit === 'string' ? livekit : false }, () => {
  const server = livekit as LivekitServer;
  let daemon: TestDaemon;
  const make = (body: object, app = 'live') => daemon.api.post(`/apps/${app}/ingress`, body);

  before(async () => {
    daemon = await testDaemon(scope, { ...server.env, LOG_LEVEL: 'trace', METRICS_TOKEN: 'scrape-me-please' });
    await daemon.api.post('/apps', { name: 'other' });
  });

  test('an encoder gets an address and a key, told whole to its maker and to those who may change it', async (t) => {
    const events = await readEvents(t, daemon.url, daemon.token, { query: '?topics=streams' });
    await events.next('hello');
    const made = await make({ type: 'rtmp', room: 'stage', identity: 'camera-1', name: 'Camera 1' });
    assert.equal(made.status, 201, made.text);
    const { streamKey, node, ...row } = made.body.data;
    assert.match(streamKey, /^\w{8,}$/);
    assert.equal(node, null);
    assert.deepEqual(row, {
      id: row.id,
      type: 'rtmp',
      name: 'Camera 1',
      room: 'live-stage',
      participant: 'camera-1',
      url: 'rtmp://127.0.0.1:1935/live',
      transcode: true,
      enabled: true,
      status: 'inactive',
      error: null,
      startedAt: null,
      endedAt: null,
      video: null,
      audio: null,
    });
    const masked = { ...row, streamKey: `${streamKey.slice(0, 4)}…` };
    assert.deepEqual((await daemon.api.get(`/apps/live/ingress/${row.id}`)).body.data, { ...masked, layers: [] });
    const listed = (await daemon.api.get('/apps/live/ingress')).body;
    assert.deepEqual([listed.total, listed.data], [1, [masked]]);
    const key = (await daemon.api.get(`/apps/live/ingress/${row.id}/key`)).body.data;
    assert.deepEqual(key, { url: row.url, streamKey });
    const created = await events.next('ingress.created');
    assert.deepEqual(created.data.data.id, row.id);
    assert.equal((await daemon.api.get('/apps/live/stats')).body.data.ingress.total, 1);

    // an encoder comes: told as LiveKit tells it
    const info = { ingressId: row.id, inputType: 'RTMP_INPUT', roomName: row.room, participantIdentity: 'camera-1' };
    const sent = event('ingress_started', { ingressInfo: { ...info, streamKey, enableTranscoding: true } });
    const answer = await sendWebhook(daemon.url, sent, { key: server.apiKey, secret: server.apiSecret });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual((await events.next('ingress.started')).data.data, {
      id: row.id,
      type: 'rtmp',
      room: 'live-stage',
      participant: 'camera-1',
      transcode: true,
    });
    const { text } = await daemon.api.as('scrape-me-please').get('//metrics');
    assert.match(text, /^streamhub_media_transcode_total\{kind="ingress",accel="cpu",type="none"\} 1$/m);

    assert.equal((await daemon.api.delete(`/apps/live/ingress/${row.id}`)).status, 204);
    assert.equal((await events.next('ingress.deleted')).data.data.id, row.id);
    const again = await daemon.api.delete(`/apps/live/ingress/${row.id}`);
    assert.deepEqual([again.status, again.body.code], [404, 'INGRESS_NOT_FOUND']);
    assert.equal((await daemon.api.get('/apps/live/ingress')).body.total, 0);
    await daemon.services.logs.forgetApp(-1);
    const audit = (await daemon.api.get('/audit?limit=10')).body;
    assert.deepEqual(
      audit.data.slice(0, 2).map((entry: any) => entry.action),
      ['ingress.delete', 'ingress.create'],
    );
    const log = await readFile(path.join(daemon.dataDir, 'logs/streamhub.log'), 'utf8');
    for (const where of [log, JSON.stringify(audit), JSON.stringify(events.heard)]) {
      assert.ok(!where.includes(streamKey), 'the key shows nowhere else');
    }
  });

  test('addresses: what is configured for LiveKit, else the public host of the daemon', async (t) => {
    const elsewhere = await testDaemon(t, server.env);
    const urlsWith = async (host: string): Promise<string[]> => {
      const values = { RTMP_PUBLIC_HOST: host };
      assert.equal((await elsewhere.api.patch('/system/settings', { values })).status, 200);
      const urls: string[] = [];
      for (const type of ['rtmp', 'whip']) {
        const { data } = (await elsewhere.api.post('/apps/live/ingress', { type })).body;
        assert.equal(data.room, 'live');
        assert.match(data.participant, /^ingest-[0-9a-f]{12}$/);
        urls.push(data.url);
        await elsewhere.api.delete(`/apps/live/ingress/${data.id}`);
      }
      return urls;
    };
    for (const [host, rtmp, whip] of [
      ['in.example.com', 'in.example.com:1935', 'in.example.com:8080'],
      ['in.example.com:1936', 'in.example.com:1936', 'in.example.com:8080'],
      ['2001:db8::1', '[2001:db8::1]:1935', '[2001:db8::1]:8080'],
    ] as const)
      assert.deepEqual(await urlsWith(host), [`rtmp://${rtmp}/live`, `http://${whip}/w`]);
  });

  test('an app has its own ingests only', async () => {
    const { data } = (await make({ type: 'whip' }, 'other')).body;
    assert.equal(data.room, 'other');
    assert.equal((await daemon.api.get('/apps/live/ingress')).body.total, 0);
    for (const call of [
      daemon.api.get(`/apps/live/ingress/${data.id}`),
      daemon.api.get(`/apps/live/ingress/${data.id}/key`),
      daemon.api.delete(`/apps/live/ingress/${data.id}`),
    ]) {
      const { status, body } = await call;
      assert.deepEqual([status, body.code], [404, 'INGRESS_NOT_FOUND']);
    }
    await daemon.api.post('/apps', { name: 'nested', roomPrefix: 'live-nested' });
    assert.equal((await make({ type: 'rtmp', room: 'nested' })).status, 400, 'a room of another app');
    // with the app its ingests go, so that no encoder sends into rooms of nobody
    assert.equal((await daemon.api.get('/apps/other/ingress')).body.total, 1);
    assert.equal((await daemon.api.delete('/apps/other')).status, 200);
    await daemon.api.post('/apps', { name: 'other' });
    assert.equal((await daemon.api.get('/apps/other/ingress')).body.total, 0);
  });

  test('ingests follow the room prefix of their app, so that no key opens rooms that another team may get', async () => {
    await daemon.api.post('/apps', { name: 'mover' });
    await daemon.api.post('/apps', { name: 'mover-deep', roomPrefix: 'mover-deep' });
    const rooms = async (app: string) =>
      Object.fromEntries(
        (await daemon.api.get(`/apps/${app}/ingress`)).body.data.map((one: any) => [one.id, one.room]),
      );
    const [plain, hall, paused] = await Promise.all(
      [{ type: 'rtmp' }, { type: 'whip', room: 'hall' }, { type: 'rtmp', room: 'mover-attic' }].map(async (body) => {
        const { id, streamKey } = (await make(body, 'mover')).body.data;
        return { id: id as string, streamKey };
      }),
    );
    const deep = (await make({ type: 'rtmp', room: 'cave' }, 'mover-deep')).body.data;
    assert.equal((await daemon.api.patch(`/apps/mover/ingress/${paused?.id}`, { enabled: false })).status, 200);
    // the shorter prefix of the team would get these rooms
    assert.equal((await daemon.api.patch('/apps/mover-deep', { roomPrefix: 'deep' })).status, 200);
    await until('it is in the new rooms', async () => (await rooms('mover-deep'))[deep.id] === 'deep-cave');
    assert.equal((await daemon.api.patch('/apps/mover', { roomPrefix: 'shaker' })).status, 200);
    const wanted = { [plain?.id ?? '']: 'shaker', [hall?.id ?? '']: 'shaker-hall', [paused?.id ?? '']: 'shaker-attic' };
    await until('all are in the new rooms', async () => Object.keys(await rooms('mover')).length === 3);
    assert.deepEqual(await rooms('mover'), wanted);
    const key = (await daemon.api.get(`/apps/mover/ingress/${hall?.id}/key`)).body.data;
    assert.equal(key.streamKey, hall?.streamKey, 'encoders keep their keys');
    assert.equal((await daemon.api.get(`/apps/mover/ingress/${paused?.id}`)).body.data.enabled, false);
    for (const app of ['mover', 'mover-deep']) assert.equal((await daemon.api.delete(`/apps/${app}`)).status, 200);
  });

  test('of many made at once none is lost', async () => {
    const made = await Promise.all(Array.from({ length: 60 }, (_, n) => make({ type: 'rtmp', name: `Door ${n}` })));
    assert.deepEqual([...new Set(made.map(({ status }) => status))], [201]);
    assert.equal((await daemon.api.get('/apps/live/ingress?limit=1')).body.total, 60);
    await Promise.all(made.map(({ body }) => daemon.api.delete(`/apps/live/ingress/${body.data.id}`)));
    assert.equal((await daemon.api.get('/apps/live/ingress?limit=1')).body.total, 0);
  });

  test('one team does not fill the list that all share', async (t) => {
    const { owner } = await makeTeam(daemon, 'busy');
    assert.equal((await owner.api.post('/apps', { name: 'busy' })).status, 201);
    const create = () => owner.api.post('/apps/busy/ingress', { type: 'rtmp' });
    const { body } = await create();
    const [real] = await daemon.services.livekit.listIngressDetails('busy');
    // hundreds of real ones take long to make
    const full = Array.from({ length: INGESTS_PER_TEAM }, () => real as NonNullable<typeof real>);
    const list = t.mock.method(daemon.services.livekit, 'listIngressDetails', async () => full);
    const refused = await create();
    assert.deepEqual([refused.status, refused.body.code], [409, 'INGRESS_LIMIT']);
    assert.equal((await make({ type: 'rtmp', room: 'not-the-team' })).status, 201, 'others, and operators');
    // one place is left, and several are made in parallel
    list.mock.restore();
    const listed = daemon.services.livekit.listIngressDetails.bind(daemon.services.livekit);
    const others = full.slice(2);
    const almost = async (room?: string) => [...others, ...(await listed(room))];
    const nearly = t.mock.method(daemon.services.livekit, 'listIngressDetails', almost);
    const parallel = await Promise.all(Array.from({ length: 6 }, create));
    nearly.mock.restore();
    assert.deepEqual(parallel.map(({ status }) => status).sort(), [201, 409, 409, 409, 409, 409]);
    const added = parallel.find(({ status }) => status === 201)?.body.data.id;
    assert.equal((await owner.api.delete(`/apps/busy/ingress/${added}`)).status, 204);
    assert.equal((await owner.api.delete(`/apps/busy/ingress/${body.data.id}`)).status, 204);
    const [left] = (await daemon.api.get('/apps/live/ingress')).body.data;
    assert.equal((await daemon.api.delete(`/apps/live/ingress/${left.id}`)).status, 204);
  });

  test('an app’s database that is closed while LiveKit is asked, because others are used, is opened again', async (t) => {
    const { databases, livekit: service } = daemon.services;
    const { id } = (await make({ type: 'rtmp' })).body.data;
    const asked = t.mock.method(service, 'updateIngress', async () => {
      databases.close('live');
      throw new ApiError('LIVEKIT_UNREACHABLE');
    });
    const refused = await daemon.api.patch(`/apps/live/ingress/${id}`, { enabled: false });
    asked.mock.restore();
    assert.equal(refused.body.code, 'LIVEKIT_UNREACHABLE');
    assert.equal((await daemon.api.delete(`/apps/live/ingress/${id}`)).status, 204);
  });

  test('bad input names the field; RTMP that the app does not accept is refused', async () => {
    for (const [body, field] of [
      [{}, 'body.type'],
      [{ type: 'smoke' }, 'body.type'],
      [{ type: 'rtmp', room: 'with space' }, 'body.room'],
      [{ type: 'rtmp', url: 'https://example.com/a.m3u8' }, 'body.url'],
      [{ type: 'url' }, 'body.url'],
      [{ type: 'url', url: 'file:///etc/passwd' }, 'body.url'],
      [{ type: 'url', url: 'rtsp://camera.example.com/1' }, 'body.url'],
      [{ type: 'url', url: 'rtmp://example.com/live/a' }, 'body.url'],
      [{ type: 'url', url: 'udp://239.0.0.1:1234' }, 'body.url'],
      [{ type: 'url', url: 'http://169.254.169.254/latest' }, 'body.url'],
      [{ type: 'url', url: 'SRT://169.254.169.254:9000' }, 'body.url'],
      [{ type: 'rtmp', identity: 'i'.repeat(121) }, 'body.identity'],
    ] as const) {
      const { status, body: answer } = await make(body);
      assert.deepEqual([status, answer.details?.[0].path], [400, field], JSON.stringify(body));
    }
    const yaml = (await daemon.api.get('/apps/live/config/raw')).body.data.yaml as string;
    const off = yaml.replace(/(\nrtmp:\n(?: .*\n)*? {2}enabled: )true/, '$1false');
    assert.notEqual(off, yaml);
    assert.equal((await daemon.api.put('/apps/live/config/raw', { yaml: off })).status, 200);
    const refused = await make({ type: 'rtmp' });
    assert.deepEqual([refused.status, refused.body.code], [400, 'FEATURE_OFF']);
    const { data } = (await make({ type: 'whip' })).body;
    assert.equal(data.transcode, false, 'as transcoding.enabled says');
    await daemon.api.delete(`/apps/live/ingress/${data.id}`);
    await daemon.api.put('/apps/live/config/raw', { yaml });
  });

  test('a source that no ingress service fetches is a clear refusal, and LiveKit still counts as reachable', async () => {
    const refused = await make({ type: 'url', url: 'https://someone:secret-word@example.com/live.m3u8' });
    assert.deepEqual([refused.status, refused.body.code], [502, 'INGRESS_NOT_TAKEN']);
    assert.doesNotMatch(refused.text, /secret-word/);
    assert.equal((await daemon.api.get('/system/livekit')).body.data.status, 'reachable');
  });
});

test('without LiveKit: 503 without keys, 502 when it does not answer', async (t) => {
  const bare = await testDaemon(t);
  const none = await bare.api.get('/apps/live/ingress');
  assert.deepEqual([none.status, none.body.code], [503, 'LIVEKIT_NOT_CONFIGURED']);
  const away = await testDaemon(t, {
    LIVEKIT_URL: 'ws://127.0.0.1:9',
    LIVEKIT_API_KEY: 'APItest',
    LIVEKIT_API_SECRET: 'a-secret-of-thirty-two-characters',
  });
  const refused = await away.api.post('/apps/live/ingress', { type: 'rtmp' });
  assert.deepEqual([refused.status, refused.body.code], [502, 'LIVEKIT_UNREACHABLE']);
});
