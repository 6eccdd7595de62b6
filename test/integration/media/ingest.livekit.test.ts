// Ingests on a real LiveKit with its ingress service: what is ordered, what comes in, and what is told of it.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { IngressClient, type IngressInfo } from 'livekit-server-sdk';
import { type CallbackReceiver, callbackReceiver } from '#test/helpers/callback-receiver.ts';
import { blockScope, type TestDaemon, testDaemon } from '#test/helpers/daemon.ts';
import { type EventReader, readEvents } from '#test/helpers/event-reader.ts';
import { type LivekitServer, startLivekit } from '#test/helpers/livekit.ts';
import { type MediaWorker, startMediaWorker } from '#test/helpers/media-worker.ts';
import { until } from '#test/helpers/until.ts';

const scope = blockScope();
const livekit = startLivekit(scope, { tellsDaemon: true });
const worker = typeof livekit === 'string' ? livekit : await startMediaWorker(scope, livekit);
const missing = [livekit, worker].find((one) => typeof one === 'string') as string | undefined;

describe('ingests of a real LiveKit', { skip: missing ?? false }, () => {
  const server = livekit as LivekitServer;
  const service = worker as MediaWorker;
  let daemon: TestDaemon;
  let hooks: CallbackReceiver;
  let events: EventReader;
  let client: IngressClient;
  const make = async (body: object) => {
    const answer = await daemon.api.post('/apps/live/ingress', body);
    assert.equal(answer.status, 201, answer.text);
    return answer.body.data;
  };
  const get = async (id: string) => (await daemon.api.get(`/apps/live/ingress/${id}`)).body.data;
  const patch = (id: string, body: object) => daemon.api.patch(`/apps/live/ingress/${id}`, body);
  const setConfig = async (change: object) => {
    const answer = await daemon.api.patch('/apps/live/config', change);
    assert.equal(answer.status, 200, answer.text);
  };
  const setRtmp = async (isEnabled: boolean) => {
    const { yaml } = (await daemon.api.get('/apps/live/config/raw')).body.data;
    const changed = yaml.replace(/(\nrtmp:\n(?: .*\n)*? {2}enabled: )\w+/, `$1${isEnabled}`);
    assert.notEqual(changed, yaml);
    assert.equal((await daemon.api.put('/apps/live/config/raw', { yaml: changed })).status, 200);
  };
  /** The order as LiveKit keeps it. */
  const orderOf = async (ingressId: string) => {
    const [info] = (await client.listIngress({ ingressId })) as [IngressInfo];
    const video = info.video?.encodingOptions;
    const audio = info.audio?.encodingOptions;
    return {
      transcodes: info.enableTranscoding,
      enabled: info.enabled ?? true,
      layers:
        video?.case === 'options' ? video.value.layers.map((one) => `${one.width}x${one.height}@${one.bitrate}`) : [],
      framerate: video?.case === 'options' ? video.value.frameRate : null,
      audio: audio?.case === 'options' ? [audio.value.bitrate, audio.value.channels] : null,
    };
  };
  const toldOf = async (event: string, id: string) =>
    (await hooks.next(({ body }) => body.event === event && body.data.ingress?.ingressId === id)).body.data;

  before(async () => {
    daemon = await testDaemon(scope, server.env);
    hooks = await callbackReceiver(scope);
    events = await readEvents(scope, daemon.url, daemon.token, { query: '?topics=streams' });
    await events.next('hello');
    client = new IngressClient(server.url.replace(/^ws/, 'http'), server.apiKey, server.apiSecret);
    assert.equal((await daemon.api.patch('/apps/live', { callbackUrl: hooks.url })).status, 200);
  });

  test('each key of the config is in the order that LiveKit gets', async () => {
    const ordered = async (type: string) => orderOf((await make({ type, room: 'orders' })).id);
    const LADDER = ['1280x720@2800000', '854x480@1400000', '426x240@500000'];
    await setConfig({ transcodingEnabled: true, rtmpTranscode: true });
    const common = { transcodes: true, enabled: true, framerate: 30, audio: [128_000, 2] };
    assert.deepEqual(await ordered('rtmp'), { ...common, layers: LADDER });
    assert.deepEqual(await ordered('whip'), { ...common, layers: LADDER });
    await setConfig({ rtmpTranscode: false });
    assert.deepEqual((await ordered('rtmp')).layers, LADDER.slice(0, 1), 'always encoded, in one quality');
    assert.deepEqual((await ordered('whip')).layers, LADDER);
    await setConfig({ rtmpTranscode: true, adaptive: false });
    assert.deepEqual((await ordered('rtmp')).layers, LADDER.slice(0, 1));
    await setConfig({ adaptive: true, layers: [{ name: 'high', height: 360 }] });
    assert.deepEqual(await ordered('rtmp'), { ...common, layers: ['640x360@800000'], audio: [96_000, 2] });
    await setConfig({
      layers: [
        { name: 'low', height: 180 },
        { name: 'high', height: 360 },
      ],
      transcodingEnabled: false,
    });
    const passed = { transcodes: false, enabled: true, layers: [], framerate: null, audio: null };
    assert.deepEqual(await ordered('whip'), passed, 'passed on as it comes');
    assert.deepEqual((await ordered('rtmp')).layers, ['640x360@800000']);
    await setConfig({ transcodingEnabled: true });
    const listed = (await daemon.api.get('/apps/live/ingress?room=orders')).body;
    assert.equal(listed.total, 8, 'found by the short name of the room');
    assert.equal((await daemon.api.get('/apps/live/ingress?room=live-orders')).body.total, 8);
    for (const { id } of listed.data) await daemon.api.delete(`/apps/live/ingress/${id}`);
  });

  test('what comes in is shown; takeover and deletion while live are told', async () => {
    const { id, streamKey, room } = await make({ type: 'rtmp', room: 'stage', identity: 'camera' });
    const first = await service.startEncoder(streamKey, { width: 640, height: 360 });
    const started = await toldOf('ingress_started', id);
    assert.deepEqual(started.ingress, {
      ingressId: id,
      inputType: 'RTMP_INPUT',
      roomName: room,
      participantIdentity: 'camera',
      resourceId: first.resourceId,
    });
    const live = await until('the picture and its layers are told', async () => {
      const row = await get(id);
      return row.video !== null && row.layers.length === 2 ? row : undefined;
    });
    assert.deepEqual(live.video, { codec: 'H264', width: 640, height: 360, framerate: 30 });
    assert.deepEqual(live.audio, { codec: 'aac', channels: 2, sampleRate: 48_000 });
    assert.deepEqual([live.status, live.enabled, live.error, live.endedAt], ['publishing', true, null, null]);
    assert.ok(Date.now() - Date.parse(live.startedAt) < 60_000);
    assert.deepEqual(
      live.layers.map(({ height }: any) => height),
      [360, 180],
    );
    // a change would cut the encoder off; one that changes nothing is not sent
    const renamed = await patch(id, { name: 'Camera' });
    assert.deepEqual([renamed.status, renamed.body.code], [409, 'INGRESS_LIVE']);
    assert.equal((await patch(id, { enabled: true })).status, 200);

    const { data: opened } = (await daemon.api.get(`/apps/live/rooms/${live.room}`)).body;
    const fed = opened.people.data.find(({ identity }: any) => identity === live.participant);
    const picture = fed.tracks.find(({ type }: any) => type === 'video');
    assert.deepEqual([fed.kind, picture.frameRate, picture.layers.length], ['ingress', live.video.framerate, 2]);

    const second = await service.startEncoder(streamKey, { width: 640, height: 360 });
    const ended = await toldOf('ingress_ended', id);
    assert.deepEqual([ended.reason, ended.ingress.resourceId], ['taken_over', first.resourceId]);
    assert.equal((await toldOf('ingress_started', id)).ingress.resourceId, second.resourceId);
    assert.equal((await get(id)).status, 'publishing');
    assert.equal((await events.next((m) => m.event === 'ingress.ended')).data.data.reason, 'taken_over');

    assert.equal((await daemon.api.delete(`/apps/live/ingress/${id}`)).status, 204);
    const deleted = await toldOf('ingress_ended', id);
    assert.deepEqual([deleted.reason, deleted.ingress.resourceId], ['deleted', second.resourceId]);
    assert.equal((await events.next((m) => m.event === 'ingress.ended')).data.data.reason, 'deleted');
  });

  test('somebody else deletes a live ingest, or an event is lost: LiveKit’s list says so', async () => {
    const { id, streamKey } = await make({ type: 'rtmp', room: 'elsewhere' });
    await service.startEncoder(streamKey);
    await toldOf('ingress_started', id);
    await client.deleteIngress(id);
    await daemon.services.reconciler.run(false);
    assert.equal((await toldOf('ingress_ended', id)).reason, 'deleted');
  });

  test('ending the stream of an ingest deletes it, and its end is told', async () => {
    const { id, streamKey } = await make({ type: 'rtmp', room: 'ended' });
    await service.startEncoder(streamKey);
    const row = await until('its stream is listed as RTMP', async () => {
      const { data } = (await daemon.api.get('/apps/live/streams?room=live-ended')).body;
      return data.find(({ type }: any) => type === 'rtmp');
    });
    assert.equal((await daemon.api.delete(`/apps/live/streams/${row.streamId}`)).status, 204);
    assert.equal((await toldOf('ingress_ended', id)).reason, 'deleted');
    assert.equal((await daemon.api.get(`/apps/live/ingress/${id}`)).status, 404);
  });

  test('a paused ingest refuses encoders and keeps its key; resumed, it is as the config says now', async () => {
    const { id, streamKey, url } = await make({ type: 'whip', room: 'pause' });
    await service.startEncoder(streamKey);
    await toldOf('ingress_started', id);
    const paused = await patch(id, { enabled: false });
    assert.deepEqual([paused.status, paused.body.data?.enabled], [200, false], paused.text);
    assert.equal((await toldOf('ingress_ended', id)).reason, 'paused');
    const { data } = await events.next('ingress.updated');
    assert.deepEqual(data.data, { id, name: '', room: 'live-pause', enabled: false });
    await assert.rejects(service.startEncoder(streamKey), /Publish failed/);
    assert.deepEqual((await daemon.api.get(`/apps/live/ingress/${id}/key`)).body.data, { url, streamKey });
    await until('nothing is live', async () => (await get(id)).status === 'inactive');
    assert.equal((await patch(id, { name: 'Door' })).body.data.name, 'Door');
    assert.equal((await get(id)).enabled, false);
    await setConfig({ transcodingEnabled: false });
    assert.equal((await patch(id, { enabled: true })).body.data.enabled, true);
    assert.deepEqual(
      { ...(await orderOf(id)), framerate: 0 },
      { transcodes: false, enabled: true, layers: [], framerate: 0, audio: null },
    );
    await setConfig({ transcodingEnabled: true });
    await service.startEncoder(streamKey);
    await toldOf('ingress_started', id);
    await service.stopEncoder(streamKey, 'i/o timeout');
    const lost = await toldOf('ingress_ended', id);
    assert.deepEqual(
      [lost.reason, lost.error],
      ['error', 'The connection to the encoder was lost. LiveKit says: i/o timeout'],
    );
    const row = await get(id);
    assert.deepEqual([row.status, row.error, row.layers], ['error', lost.error, []]);
    assert.ok(Date.parse(row.endedAt) >= Date.parse(row.startedAt));
    for (const body of [{}, { name: '' }, { enabled: 'no' }]) {
      assert.equal((await patch(id, body)).status, 400, JSON.stringify(body));
    }
    assert.equal((await patch('IN_unknown', { enabled: false })).status, 404);
    const audit = (await daemon.api.get('/audit?limit=5')).body.data;
    assert.ok(audit.some((entry: any) => entry.action === 'ingress.update'));
  });

  test('rtmp.enabled: off refuses encoders that have a key, on lets them in again', async () => {
    const { id, streamKey } = await make({ type: 'rtmp', room: 'switch' });
    const other = await make({ type: 'rtmp', room: 'switch' });
    await patch(other.id, { enabled: false });
    await setRtmp(false);
    await until('the ingest is paused', async () => !(await get(id)).enabled);
    await assert.rejects(service.startEncoder(streamKey), /Publish failed/);
    for (const refused of [
      await patch(id, { enabled: true }),
      await daemon.api.post('/apps/live/ingress', { type: 'rtmp' }),
    ])
      assert.deepEqual([refused.status, refused.body.code], [400, 'FEATURE_OFF']);
    await setRtmp(true);
    await until('the ingest is resumed', async () => (await get(id)).enabled);
    assert.equal((await get(other.id)).enabled, false, 'what an operator paused stays paused');
    await service.startEncoder(streamKey);
    await toldOf('ingress_started', id);
    await service.stopEncoder(streamKey);
    assert.equal((await toldOf('ingress_ended', id)).reason, 'stopped');
  });

  test('sources: errors in words; a full service and none at all are named with what to do', async () => {
    const { id } = await make({ type: 'url', room: 'source', url: `${daemon.url}/no-such-film.mp4` });
    assert.match(
      (await toldOf('ingress_ended', id)).error,
      /^The source’s server answered with 404\. Check the address\./,
    );
    const fixed = await patch(id, { enabled: false });
    assert.deepEqual([fixed.status, fixed.body.code], [409, 'INGRESS_FIXED']);
    await service.full({ ingress: true });
    const busy = await daemon.api.post('/apps/live/ingress', { type: 'url', url: `${daemon.url}/a.mp4` });
    assert.deepEqual([busy.status, busy.body.code], [502, 'INGRESS_NOT_TAKEN'], busy.text);
    assert.match(busy.body.message, /1 is connected, but it doesn’t have 2 CPUs free/);
    assert.match(busy.body.hint, /The ingress service gives away at most 70 %/);
    const { id: rtmp, streamKey } = await make({ type: 'rtmp', room: 'source' });
    await assert.rejects(service.startEncoder(streamKey), /Publish failed/);
    assert.match(
      (await toldOf('ingress_ended', rtmp)).error,
      /and 2 are set aside for this.*server capacity exceeded$/,
    );
    await service.full({ ingress: false });
  });
});
