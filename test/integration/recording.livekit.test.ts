import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { ParticipantEgressRequest, RoomCompositeEgressRequest } from 'livekit-server-sdk';
import { testDaemon } from '#test/helpers/daemon.ts';
import { readEvents } from '#test/helpers/event-reader.ts';
import { startLivekit } from '#test/helpers/livekit.ts';
import { disposeMedia, join } from '#test/helpers/participant.ts';
import { protobufFields, tapRedis } from '#test/helpers/redis-tap.ts';

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

test('LiveKit is asked for exactly what the config says; with no egress service (none can be had here) the row is failed', async (t) => {
  const livekit = await startLivekit(t);
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
  await daemon.services.reconciler.run();
  const stream = (await events.next('stream.started')).data.data;

  const wholeRoom = daemon.api.post('/apps/live/recording/start', { room: 'live-stage' });
  const oneStream = daemon.api.call('POST', `/apps/live/streams/${stream.streamId}/record/start`);
  // rows are there at once
  const started = await daemon.api.get('/apps/live/vods');
  const twice = await daemon.api.post('/apps/live/recording/start', { room: 'live-stage' });
  assert.deepEqual([twice.status, twice.body.code], [409, 'ALREADY_RECORDING']);
  for (const answer of [await wholeRoom, await oneStream]) {
    assert.deepEqual([answer.status, answer.body.code], [502, 'RECORDING_NOT_TAKEN'], answer.text);
    assert.match(answer.body.message, /no egress service/);
  }
  assert.ok(started.body.data.every((vod: any) => vod.status === 'recording'));

  const { body } = await daemon.api.get('/apps/live/vods');
  assert.deepEqual(
    body.data.map((vod: any) => [vod.status, vod.error, vod.fileKey, vod.url]),
    [
      ['failed', 'no egress service took the recording', null, null],
      ['failed', 'no egress service took the recording', null, null],
    ],
  );
  const ofRoom = body.data.find((vod: any) => vod.streamId === null);
  const ofStream = body.data.find((vod: any) => vod.streamId === stream.streamId);
  assert.match(ofRoom.name, /^live-stage-\d{8}T\d{6}Z(-\d)?\.mp4$/);
  assert.notEqual(ofRoom.name, ofStream.name);
  await events.next('recording.failed');

  const room = orders.rooms[0] as RoomCompositeEgressRequest;
  assert.deepEqual([room.roomName, room.layout], ['live-stage', 'grid']);
  const person = orders.people[0] as ParticipantEgressRequest;
  assert.deepEqual([person.roomName, person.identity], ['live-stage', 'ana']);
  for (const [order, vod] of [
    [room, ofRoom],
    [person, ofStream],
  ] as const) {
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
  assert.match(log, /LiveKit took no recording/);
  assert.doesNotMatch(log, /a-very-secret-value|AKIDRECORDING1234|eyJ/);
});

test('without a bucket the file goes below the app’s folder; recording.auto asks by itself with the first publisher', async (t) => {
  const livekit = await startLivekit(t);
  if (typeof livekit === 'string') return t.skip(livekit);
  const daemon = await testDaemon(t, livekit.env);
  const orders = ordersIn();
  let asked: () => void = () => {};
  const firstOrder = new Promise<void>((resolve) => {
    asked = resolve;
  });
  await tapRedis(t, livekit.redisUrl, ({ channel, payload }) => {
    if (channel !== 'EgressInternal|StartEgress|REQ') return;
    orders.take(payload);
    asked();
  });
  const { body: raw } = await daemon.api.get('/apps/live/config/raw');
  const yaml = raw.data.yaml.replace(/\bauto: false/, 'auto: true').replace(/layout: grid/, 'layout: speaker');
  assert.equal((await daemon.api.put('/apps/live/config/raw', { yaml })).status, 200);
  const events = await readEvents(t, daemon.url, daemon.token);
  await events.next('hello');
  const ana = await join(t, livekit.url, await livekit.token('live-auto', 'ana'));
  await ana.publish();
  await daemon.services.reconciler.run();
  await firstOrder;
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
});

test('what must not be recorded is refused before LiveKit is asked', async (t) => {
  const livekit = await startLivekit(t);
  if (typeof livekit === 'string') return t.skip(livekit);
  const daemon = await testDaemon(t, livekit.env);
  const start = (body: object) => daemon.api.post('/apps/live/recording/start', body);
  const nowhere = await start({ room: 'live-nowhere' });
  assert.deepEqual([nowhere.status, nowhere.body.code], [404, 'ROOM_NOT_FOUND']);
  assert.equal((await start({ room: 'elsewhere' })).status, 404);
  assert.equal((await start({})).status, 400);
  await livekit.rooms.createRoom({ name: 'live-stage' });
  assert.equal((await start({ room: 'live-stage', streamId: 'PA_nobody' })).status, 404);
  assert.equal((await daemon.api.call('POST', '/apps/live/streams/PA_nobody/record/start')).status, 404);
  assert.equal((await daemon.api.call('POST', '/apps/live/recording/7/stop')).status, 404);
  const { provider, endpoint, region, bucket } = S3;
  await daemon.api.put('/apps/live/s3', { provider, endpoint, region, bucket });
  const keyless = await start({ room: 'live-stage' });
  assert.deepEqual([keyless.status, keyless.body.code], [502, 'RECORDING_NOT_TAKEN']);
  assert.match(keyless.body.message, /no credentials/);
  await daemon.api.patch('/apps/live', { recordingEnabled: false });
  const off = await start({ room: 'live-stage' });
  assert.deepEqual([off.status, off.body.code], [400, 'RECORDING_DISABLED']);
  assert.equal((await daemon.api.get('/apps/live/vods')).body.total, 0);
});
