import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import {
  EgressInfo,
  EgressStatus,
  type EncodingOptions,
  ParticipantEgressRequest,
  RoomCompositeEgressRequest,
  VideoCodec,
} from 'livekit-server-sdk';
import { testDaemon } from '#test/helpers/daemon.ts';
import { readEvents } from '#test/helpers/event-reader.ts';
import { reconcileUntil, startLivekit } from '#test/helpers/livekit.ts';
import { event, sendWebhook } from '#test/helpers/livekit-webhook.ts';
import { disposeMedia, join } from '#test/helpers/participant.ts';
import { protobufFields, redisCommand, tapRedis } from '#test/helpers/redis-tap.ts';

after(() => disposeMedia());

const S3 = {
  provider: 'minio',
  endpoint: 'http://127.0.0.1:9',
  region: 'eu-test-1',
  bucket: 'films',
  forcePathStyle: true,
  prefix: 'a/b',
  key: 'AKIDRECORDING1234',
  secret: 'a-very-secret-value',
};

/** What LiveKit passes on to its egress services: the request as it understood it. */
function ordersIn(): {
  rooms: RoomCompositeEgressRequest[];
  people: ParticipantEgressRequest[];
  take(p: Buffer): void;
} {
  const rooms: RoomCompositeEgressRequest[] = [];
  const people: ParticipantEgressRequest[] = [];
  return {
    rooms,
    people,
    take(payload) {
      const request = protobufFields(protobufFields(payload).get(2) as Buffer).get(8) as Buffer;
      const order = protobufFields(request);
      const room = order.get(5);
      if (room !== undefined) rooms.push(RoomCompositeEgressRequest.fromBinary(room));
      else people.push(ParticipantEgressRequest.fromBinary([...order].at(-1)?.[1] as Buffer));
    },
  };
}

// each has servers of its own and waits for them most of the time
describe('recordings asked of a real LiveKit', { concurrency: 2 }, () => {
  test('LiveKit is asked for exactly what the config says; with no egress service (none can be had here) the row is failed', async (t) => {
    const livekit = startLivekit(t);
    if (typeof livekit === 'string') return t.skip(livekit);
    const daemon = await testDaemon(t, { ...livekit.env, LOG_LEVEL: 'debug' });
    const orders = ordersIn();
    await tapRedis(t, livekit.redisUrl, ({ channel, payload }) => {
      if (channel === 'EgressInternal|StartEgress|REQ') orders.take(payload);
    });
    assert.equal((await daemon.api.put('/apps/live/s3', S3)).status, 200);
    await daemon.api.patch('/apps/live', { snapshotSeconds: 30 });
    const events = await readEvents(t, daemon.url, daemon.token);
    await events.next('hello');
    const ana = await join(t, livekit.url, await livekit.token('live-stage', 'ana'));
    await ana.publish();
    await reconcileUntil(daemon, () => events.heard.some((message) => message.event === 'stream.started'));
    const stream = (await events.next('stream.started')).data.data;

    const wholeRoom = daemon.api.post('/apps/live/recording/start', { room: 'live-stage' });
    const oneStream = daemon.api.call('POST', `/apps/live/streams/${stream.streamId}/record/start`);
    // rows are there immediately
    const started = await daemon.api.get('/apps/live/vods');
    const twice = await daemon.api.post('/apps/live/recording/start', { room: 'live-stage' });
    assert.deepEqual([twice.status, twice.body.code], [409, 'ALREADY_RECORDING']);
    for (const answer of [await wholeRoom, await oneStream]) {
      assert.deepEqual([answer.status, answer.body.code], [502, 'RECORDING_NOT_TAKEN'], answer.text);
      assert.match(answer.body.message, /no egress service/);
    }
    assert.ok(started.body.data.every((vod: any) => vod.status === 'starting'));

    const { body } = await daemon.api.get('/apps/live/vods');
    // LiveKit says the same for both causes; its Redis tells which it is
    const noService = 'no egress service accepted the recording: none is connected to LiveKit’s Redis';
    assert.deepEqual(body.data.map((vod: any) => [vod.status, vod.error, vod.fileKey, vod.url]).sort(), [
      ['failed', noService, null, null],
      ['failed', noService, null, null],
    ]);
    const { message, hint, asked, workers } = (await wholeRoom).body;
    assert.equal(message, `Recording of live-stage was not started: ${noService}.`);
    assert.match(hint, /^Start LiveKit’s egress service/);
    assert.deepEqual(asked, { service: 'egress', room: 'live-stage', identity: null, cpus: 4 });
    assert.deepEqual(workers, { connected: 0, running: 0, last: [] });
    const ofRoom = body.data.find((vod: any) => vod.streamId === null);
    const ofStream = body.data.find((vod: any) => vod.streamId === stream.streamId);
    assert.match(ofRoom.name, /^live-stage-\d{8}T\d{6}Z(-\d)?\.mp4$/);
    assert.notEqual(ofRoom.name, ofStream.name);
    await events.next('recording.failed');

    const room = orders.rooms[0] as RoomCompositeEgressRequest;
    assert.deepEqual([room.roomName, room.layout, room.audioOnly], ['live-stage', 'grid', false]);
    const person = orders.people[0] as ParticipantEgressRequest;
    assert.deepEqual([person.roomName, person.identity], ['live-stage', 'ana']);
    for (const [order, vod] of [
      [room, ofRoom],
      [person, ofStream],
    ] as const) {
      const { width, height, framerate, videoCodec, videoBitrate, audioBitrate, keyFrameInterval } = order.options
        .value as EncodingOptions;
      assert.deepEqual(
        [width, height, framerate, videoCodec, videoBitrate, audioBitrate, keyFrameInterval],
        [1280, 720, 30, VideoCodec.H264_HIGH, 2800, 128, 2],
      );
      const [file] = order.fileOutputs;
      assert.equal(file?.filepath, `a/b/${vod.name}`);
      assert.equal(file?.disableManifest, true);
      const upload = file?.output.value as any;
      assert.deepEqual(
        [upload.accessKey, upload.secret, upload.bucket, upload.region, upload.endpoint, upload.forcePathStyle],
        [S3.key, S3.secret, S3.bucket, S3.region, S3.endpoint, true],
      );
      const [images] = order.imageOutputs;
      assert.equal(images?.captureInterval, 30);
      assert.equal(images?.filenamePrefix, `a/b/snapshots/${vod.name.replace('.mp4', '')}`);
      assert.equal((images as any).output.value.bucket, S3.bucket);
    }

    // the credentials went to LiveKit and nowhere else
    const everything = JSON.stringify([
      body,
      (await wholeRoom).body,
      events.heard,
      (await daemon.api.get('/logs?limit=1000')).body,
    ]);
    assert.doesNotMatch(everything, /a-very-secret-value|AKIDRECORDING1234/);
    const log = await readFile(path.join(daemon.dataDir, 'logs/streamhub.log'), 'utf8');
    // once each: the line of the error, with the answer's request id
    const errors = log.split('\n').filter((line) => line.includes('"level":"error"'));
    assert.deepEqual(
      errors
        .map((line) => JSON.parse(line))
        .map(({ msg, app, requestId, code }) => [msg, app, requestId, code].join())
        .sort(),
      [await wholeRoom, await oneStream]
        .map(({ body }) => [body.message, 'live', body.requestId, 'RECORDING_NOT_TAKEN'].join())
        .sort(),
    );
    assert.doesNotMatch(log, /a-very-secret-value|AKIDRECORDING1234|eyJ/);
  });

  test('without a bucket the file goes below the app’s folder; recording.auto asks by itself with the first publisher', async (t) => {
    const livekit = startLivekit(t);
    if (typeof livekit === 'string') return t.skip(livekit);
    const daemon = await testDaemon(t, livekit.env);
    const orders = ordersIn();
    await tapRedis(t, livekit.redisUrl, ({ channel, payload }) => {
      if (channel !== 'EgressInternal|StartEgress|REQ') return;
      orders.take(payload);
    });
    const { body: raw } = await daemon.api.get('/apps/live/config/raw');
    const yaml = raw.data.yaml.replace(/\bauto: false/, 'auto: true').replace(/layout: grid/, 'layout: speaker');
    assert.equal((await daemon.api.put('/apps/live/config/raw', { yaml })).status, 200);
    const events = await readEvents(t, daemon.url, daemon.token);
    await events.next('hello');
    const ana = await join(t, livekit.url, await livekit.token('live-auto', 'ana'));
    await ana.publish();
    await reconcileUntil(daemon, () => orders.rooms.length > 0);
    const [order] = orders.rooms;
    const vod = (await daemon.api.get('/apps/live/vods')).body.data[0];
    assert.equal(order?.roomName, 'live-auto');
    assert.equal(order?.layout, 'speaker');
    assert.equal(order?.fileOutputs[0]?.filepath, path.join(daemon.dataDir, 'apps/live/recordings', vod.name));
    assert.equal(order?.fileOutputs[0]?.output.case, undefined);
    assert.equal(order?.imageOutputs.length, 0);
    assert.equal(vod.localPath, `recordings/${vod.name}`);
    // it began by itself, so a start by hand finds it under way
    const byHand = await daemon.api.post('/apps/live/recording/start', { room: 'live-auto' });
    assert.equal(byHand.status, 409);
    await events.next('recording.failed');
    // a daemon that ends before the next attempt makes it after its start
    await daemon.stop();
    const before = orders.rooms.length;
    const again = await testDaemon(t, livekit.env, { dataDir: daemon.dataDir });
    await reconcileUntil(again, () => orders.rooms.length > before);
    const [second, first] = (await again.api.get('/apps/live/vods')).body.data;
    assert.deepEqual([second.sessionId, second.part], [first.sessionId, first.part + 1]);
  });

  test('what must not be recorded is refused before LiveKit is asked', async (t) => {
    const livekit = startLivekit(t);
    if (typeof livekit === 'string') return t.skip(livekit);
    const daemon = await testDaemon(t, livekit.env);
    const start = (body: object) => daemon.api.post('/apps/live/recording/start', body);
    const nowhere = await start({ room: 'live-nowhere' });
    assert.deepEqual([nowhere.status, nowhere.body.code], [404, 'ROOM_NOT_FOUND']);
    assert.equal((await start({ room: 'elsewhere' })).status, 404);
    assert.equal((await start({})).status, 400);
    await livekit.rooms.createRoom({ name: 'live-stage', emptyTimeout: 300 });
    assert.equal((await start({ room: 'live-stage', streamId: 'PA_nobody' })).status, 404);
    assert.equal((await daemon.api.call('POST', '/apps/live/streams/PA_nobody/record/start')).status, 404);
    assert.equal((await daemon.api.call('POST', '/apps/live/recording/7/stop')).status, 404);
    const { provider, endpoint, region, bucket } = S3;
    await daemon.api.put('/apps/live/s3', { provider, endpoint, region, bucket });
    const keyless = await start({ room: 'live-stage' });
    assert.deepEqual([keyless.status, keyless.body.code], [502, 'RECORDING_NOT_TAKEN']);
    assert.match(keyless.body.message, /No access key and secret are stored/);
    await daemon.api.patch('/apps/live', { recordingEnabled: false });
    const off = await start({ room: 'live-stage' });
    assert.deepEqual([off.status, off.body.code], [400, 'RECORDING_DISABLED']);
    assert.equal((await daemon.api.get('/apps/live/vods')).body.total, 0);
  });

  test('what webhooks missed of recordings is found in LiveKit’s own list, and what it forgot is failed', async (t) => {
    const livekit = startLivekit(t);
    if (typeof livekit === 'string') return t.skip(livekit);
    const daemon = await testDaemon(t, livekit.env);
    const keys = { key: livekit.apiKey, secret: livekit.apiSecret };
    /** What LiveKit keeps of an egress, as its egress service would have reported it. */
    const keep = (egressId: string, status: EgressStatus, more: ConstructorParameters<typeof EgressInfo>[0] = {}) => {
      const info = new EgressInfo({
        egressId,
        roomName: 'live-stage',
        status,
        startedAt: BigInt(Date.now()) * 1_000_000n,
        request: {
          case: 'roomComposite',
          value: new RoomCompositeEgressRequest({
            roomName: 'live-stage',
            fileOutputs: [{ filepath: `p/${egressId}.mp4`, output: { case: 's3', value: { bucket: 'films' } } }],
          }),
        },
        ...more,
      });
      return redisCommand(livekit.redisUrl, 'HSET', 'egress', egressId, info.toBinary());
    };
    const fileResults = (id: string) => [{ filename: `p/${id}.mp4`, size: 9n, duration: 3_000_000_000n }];
    const started = async (egressId: string) => {
      const egressInfo = {
        egressId,
        roomName: 'live-stage',
        status: 'EGRESS_ACTIVE',
        startedAt: String((Date.now() - 120_000) * 1_000_000),
        roomComposite: {
          roomName: 'live-stage',
          fileOutputs: [{ filepath: `p/${egressId}.mp4`, s3: { bucket: 'films' } }],
        },
      };
      const answer = await sendWebhook(daemon.url, event('egress_started', { egressInfo }), keys);
      assert.equal(answer.status, 200);
    };
    await keep('EG_running', EgressStatus.EGRESS_ACTIVE);
    await keep('EG_missed', EgressStatus.EGRESS_COMPLETE, { fileResults: fileResults('EG_missed') });
    await keep('EG_ended', EgressStatus.EGRESS_COMPLETE, { fileResults: fileResults('EG_ended') });
    await keep('EG_older', EgressStatus.EGRESS_COMPLETE, {
      startedAt: BigInt(Date.UTC(2024, 0)) * 1_000_000n,
      fileResults: fileResults('EG_older'),
    });
    await keep('EG_elsewhere', EgressStatus.EGRESS_COMPLETE, { roomName: 'elsewhere' });
    await started('EG_ended');
    await started('EG_forgotten');
    await started('EG_stopped');
    const rows = async () =>
      Object.fromEntries((await daemon.api.get('/apps/live/vods')).body.data.map((vod: any) => [vod.egressId, vod]));

    // stopping asks LiveKit, which knows nothing of it
    const stopped = await daemon.api.call('POST', `/apps/live/recording/${(await rows())['EG_stopped'].id}/stop`);
    assert.deepEqual([stopped.status, stopped.body.status], [200, 'failed'], stopped.text);
    const again = await daemon.api.call('POST', `/apps/live/recording/${stopped.body.id}/stop`);
    assert.deepEqual(again.body, stopped.body);

    await daemon.services.reconciler.run();
    const found = await rows();
    assert.deepEqual(
      Object.entries(found)
        .map(([id, vod]: [string, any]) => `${id} ${vod.status} ${vod.fileKey}`)
        .sort(),
      [
        'EG_ended ready p/EG_ended.mp4',
        'EG_forgotten failed null',
        'EG_missed ready p/EG_missed.mp4',
        'EG_running recording null',
        'EG_stopped failed null',
      ],
    );
    assert.equal(found['EG_forgotten'].error, 'LiveKit no longer knows this recording');
    assert.deepEqual([found['EG_missed'].sizeBytes, found['EG_missed'].durationS], [9, 3]);
    const stats = (await daemon.api.get('/stats')).body.egress;
    assert.deepEqual(stats, { reachable: true, active: 1, total: 5 });
    const before = await rows();
    await daemon.services.reconciler.run();
    assert.deepEqual(await rows(), before);
  });
});
