import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { AudioFrame, AudioSource, LocalAudioTrack, TrackPublishOptions, TrackSource } from '@livekit/rtc-node';
import { parseDocument } from 'yaml';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import { giveBucket } from '#test/helpers/bucket.ts';
import { callbackReceiver } from '#test/helpers/callback-receiver.ts';
import { type TestDaemon, testDaemon } from '#test/helpers/daemon.ts';
import { startLivekit } from '#test/helpers/livekit.ts';
import { startMediaWorker } from '#test/helpers/media-worker.ts';
import { disposeMedia, join, type Participant } from '#test/helpers/participant.ts';
import { redisCommand } from '#test/helpers/redis-tap.ts';
import { startS3Server } from '#test/helpers/s3-server.ts';
import { until } from '#test/helpers/until.ts';

const run = promisify(execFile);
after(() => disposeMedia());

const SMALL = { height: 180, fps: 15, bitrate_kbps: 300, audio_kbps: 64, keyframe_seconds: 1 };

/** What ffprobe says about an address. */
async function probe(url: string): Promise<any> {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-show_format', '-show_streams', '-of', 'json', url]);
  const { format, streams } = JSON.parse(stdout);
  const of = (kind: string) => streams.find((stream: any) => stream.codec_type === kind);
  return { format, seconds: Number(format.duration), video: of('video'), audio: of('audio') };
}

async function hum({ room }: Participant, t: { after(fn: () => unknown): void }): Promise<void> {
  const source = new AudioSource(48_000, 1);
  const options = new TrackPublishOptions();
  options.source = TrackSource.SOURCE_MICROPHONE;
  await room.localParticipant!.publishTrack(LocalAudioTrack.createAudioTrack('mic', source), options);
  const frame = new AudioFrame(new Int16Array(4800).fill(900), 48_000, 1, 4800);
  const timer = setInterval(() => void source.captureFrame(frame).catch(() => {}), 100);
  t.after(() => clearInterval(timer));
}

test('recordings of a real LiveKit, carried out by its services', async (t) => {
  const s3 = startS3Server();
  if (typeof s3 === 'string') return t.skip(s3);
  t.after(s3.stop);
  const livekit = startLivekit(t, { tellsDaemon: true });
  if (typeof livekit === 'string') return t.skip(livekit);
  const first = await startMediaWorker(t, livekit);
  if (typeof first === 'string') return t.skip(first);
  let worker = first;
  const daemon: TestDaemon = await testDaemon(t, livekit.env);
  const { api } = daemon;

  const app = async (name: string, recording: object) => {
    if (name !== 'live') assert.equal((await api.post('/apps', { name })).status, 201);
    const bucket = await giveBucket(api, name, s3, { prefix: 'p' });
    const text = parseDocument((await api.get(`/apps/${name}/config/raw`)).body.data.yaml);
    for (const [key, value] of Object.entries({ ...SMALL, ...recording })) text.setIn(['recording', key], value);
    text.setIn(['hls', 'segment_seconds'], 2);
    const put = await api.put(`/apps/${name}/config/raw`, { yaml: text.toString() });
    assert.equal(put.status, 200, put.text);
    return bucket;
  };
  const enter = async (room: string) => join(t, livekit.url, await livekit.token(room, `ana-${room}`));
  const vods = async (name: string) => (await api.get(`/apps/${name}/vods`)).body.data;
  const when = (name: string, what: string, isSo: (rows: any[]) => boolean): Promise<any[]> =>
    until(what, async () => {
      const rows = await vods(name);
      return isSo(rows) ? rows : undefined;
    });
  const start = async (name: string, body: object) => {
    const answer = await api.post(`/apps/${name}/recording/start`, body);
    assert.equal(answer.status, 201, answer.text);
    return answer.body;
  };
  const stop = async (name: string, id: number) => {
    const answer = await api.call('POST', `/apps/${name}/recording/${id}/stop`);
    assert.equal(answer.status, 200, answer.text);
    return answer.body;
  };
  /** Records for so long, by the clock of the media. */
  const lasts = (vod: any, seconds: number) =>
    until(`${seconds} s are recorded`, () => Date.now() - Date.parse(vod.startedAt) > seconds * 1000);
  const orders = (room: string) =>
    worker
      .orders()
      .map((order) => order.roomComposite ?? order.participant ?? order.trackComposite)
      .filter((order) => order.roomName === room);

  await t.test('sound alone; then a picture, in the next part and without a gap', async () => {
    await app('talk', { mode: 'participant' });
    const ana = await enter('talk-one');
    await hum(ana, t);
    await until('there is a stream', async () => (await api.get('/apps/talk/streams')).body.total === 1);
    const begun = await start('talk', { room: 'talk-one' });
    const [sound] = await when('talk', 'it records', ([row]) => row.status === 'recording');
    assert.ok(orders('talk-one')[0].audioTrackId);
    await worker.fault('hold-start');
    await ana.publish();
    const [held] = await when('talk', 'the next part is asked for', (rows) => rows.length === 2);
    assert.equal(held.part, 2);
    await until('the order is there', () => orders('talk-one').length === 2);
    assert.deepEqual(
      (await vods('talk')).map((row: any) => row.status),
      ['starting', 'recording'],
    );
    const [running] = await when('talk', 'its egress is known', ([row]) => row.egressId !== null);
    await worker.release(running.egressId);
    await when('talk', 'the first part ends', (rows) => rows[0].status === 'recording' && rows[1].status === 'ready');
    await lasts((await vods('talk'))[0], 3);
    await stop('talk', begun.id);
    const [film, voice] = await when('talk', 'both are read', (rows) => rows.every((row) => row.measuredAt !== null));
    assert.deepEqual([voice.id, voice.width, voice.videoCodec, voice.audioCodec], [sound.id, null, null, 'aac']);
    assert.deepEqual([film.width, film.height, film.sessionId], [320, 180, voice.sessionId]);
    const end = Date.parse(voice.startedAt) + voice.durationS * 1000;
    // a file ends with its last whole frame of sound
    assert.ok(end + 200 >= Date.parse(film.startedAt), `${end} ${film.startedAt}`);
  });

  // LiveKit takes 20 s to notice a lost service. Another one works in that time
  await app('safe', { format: 'segments', snapshot_seconds: 2 });
  await app('auto', { auto: true });
  await Promise.all(['safe-one', 'safe-bare'].map(async (room) => (await enter(room)).publish()));
  // a lost recording has no result that tells the prefix
  await worker.storage({ storage: { prefix: 'service' } });
  const begun = await start('safe', { room: 'one' });
  await (await enter('auto-one')).publish();
  await when('auto', 'it began by itself', ([row]) => row?.status === 'recording');
  const bare = await start('safe', { room: 'bare' });
  const [, vod] = await when('safe', 'both record', (rows) => rows.every(({ status }) => status === 'recording'));
  assert.equal(orders('safe-one')[0].segmentOutputs[0].segmentDuration, 2);
  const bucket = (await api.get('/apps/safe/s3')).body.data.bucket;
  const segmentsOf = async (room: string) =>
    (await s3.keys(bucket)).filter((key) => key.includes(`/${room}-`) && key.endsWith('.ts'));
  await until(
    'there are segments',
    async () => (await segmentsOf('safe-one')).length > 2 && (await segmentsOf('safe-bare')).length > 0,
  );
  await app('dead', { format: 'segments' });
  await Promise.all(['ending', 'starting'].map(async (room) => (await enter(`dead-${room}`)).publish()));
  await worker.fault('hold-end');
  const ending = await start('dead', { room: 'ending' });
  await when('dead', 'it records', ([row]) => row?.status === 'recording');
  const dead = (await api.get('/apps/dead/s3')).body.data.bucket;
  await until('it has a segment', async () => (await s3.keys(dead)).some((key) => key.endsWith('.ts')));
  await stop('dead', ending.id);
  await worker.fault('hold-start');
  const starting = await start('dead', { room: 'starting' });
  await until('both are ordered', () => ['ending', 'starting'].every((room) => orders(`dead-${room}`).length === 1));
  const [next] = await Promise.all([startMediaWorker(t, livekit), worker.kill()]);
  assert.ok(typeof next !== 'string');
  worker = next;
  // as if it had been killed before it told of its last segment, or of any
  const lastOf = async (room: string) => (await segmentsOf(room)).at(-1) as string;
  await s3.put(bucket, [(await lastOf('safe-one')).replace(/\d{5}\.ts$/, '00777.ts')]);
  const unnamed = (await lastOf('safe-bare')).replace(/_\d{5}\.ts$/, '.m3u8');
  await s3.client.send(new DeleteObjectCommand({ Bucket: bucket, Key: unnamed }));
  const stopping = stop('safe', begun.id);
  const cancelled = stop('dead', starting.id);
  // two missing answers, 45 s apart, say that one that was ending is lost
  const look = () =>
    daemon.services.recording.checkRecorder({ name: 'dead' } as AppEntry, daemon.services.vods.find('dead', ending.id));
  const looked = look();

  await t.test('as the plan says: order, row and file; the storage is tried first', async (t) => {
    const bucket = await app('live', { snapshot_seconds: 2, layout: 'speaker-dark' });
    await (await enter('live-stage')).publish();
    const wrong = { key: s3.key, secret: 'wrong-secret' };
    await api.put('/apps/live/s3', wrong);
    const refused = await api.post('/apps/live/recording/start', { room: 'stage' });
    assert.deepEqual([refused.status, refused.body.code], [502, 'RECORDING_NOT_TAKEN'], refused.text);
    assert.match(refused.body.message, /does not accept these credentials/);
    assert.deepEqual([orders('live-stage'), await vods('live')], [[], []]);
    await api.put('/apps/live/s3', { key: s3.key, secret: s3.secret });

    const receiver = await callbackReceiver(t);
    assert.equal((await api.patch('/apps/live', { callbackUrl: receiver.url })).status, 200);
    // the short name, as for tokens
    const begun = await start('live', { room: 'stage' });
    assert.match(begun.status, /^(?:starting|recording)$/);
    const [vod] = await when('live', 'it records', ([row]) => row.status === 'recording');
    assert.ok(Date.parse(vod.startedAt) >= Date.parse(begun.startedAt));
    const { plan } = (await api.get('/apps/live/delivery')).body.data;
    const { video } = plan.recording;
    const [order] = orders('live-stage');
    assert.equal(order.layout, 'speaker-dark');
    assert.deepEqual(order.advanced, {
      width: video.width,
      height: video.height,
      framerate: video.framerate,
      videoCodec: 'H264_HIGH',
      videoBitrate: video.bitrateKbps,
      audioBitrate: video.audioKbps,
      keyFrameInterval: video.keyframeSeconds,
    });
    await lasts(vod, 4);
    await stop('live', vod.id);
    const [ready] = await when('live', 'its file is read', ([row]) => row.measuredAt !== null);
    // on a slow machine the length follows its recording
    await receiver.next(
      ({ body: { event, data } }) =>
        /^recording_(?:ready|measured)$/.test(event) && data.id === ready.id && data.seconds === ready.durationS,
    );
    assert.equal((await api.patch('/apps/live', { callbackUrl: '' })).status, 200);
    const file = await probe(ready.url);
    assert.ok(Math.abs(ready.durationS - file.seconds) < 0.05, `${ready.durationS} ${file.seconds}`);
    assert.deepEqual(
      [ready.width, ready.height, ready.videoCodec, ready.audioCodec, Math.round(ready.frameRate)],
      [320, 180, file.video.codec_name, file.audio.codec_name, 15],
    );
    assert.deepEqual([file.video.width, file.video.height, file.video.r_frame_rate], [320, 180, '15/1']);
    const kbps = Number(file.video.bit_rate) / 1000;
    assert.ok(kbps > 0.8 * SMALL.bitrate_kbps && kbps < 1.2 * SMALL.bitrate_kbps, String(kbps));
    // what was written to try the storage is gone; the pictures are the row's
    const keys = await s3.keys(bucket);
    assert.deepEqual(
      keys.filter((key) => !key.startsWith('p/snapshots/')),
      [ready.fileKey],
    );
    assert.match(ready.snapshotKey, /^p\/snapshots\//);
    assert.equal((await api.delete(`/apps/live/vods/${ready.id}`)).status, 204);
    assert.deepEqual(await s3.keys(bucket), []);
  });

  await t.test('in segments, below a prefix of the service: played, linked and deleted where they are', async () => {
    const bucket = await app('own', { format: 'segments', snapshot_seconds: 1 });
    await (await enter('own-one')).publish();
    await worker.storage({ storage: { prefix: 'service' } });
    const begun = await start('own', { room: 'one' });
    const [vod] = await when('own', 'it records', ([row]) => row.status === 'recording');
    await lasts(vod, 3);
    await stop('own', begun.id);
    await worker.storage({});
    const [ready] = await when('own', 'it is read', ([row]) => row.measuredAt !== null);
    assert.deepEqual([ready.format, ready.width, ready.height, ready.videoCodec], ['hls', 320, 180, 'h264']);
    const film = await probe(ready.url);
    assert.ok(Math.abs(film.seconds - ready.durationS) < 0.5, `${film.seconds} ${ready.durationS}`);
    assert.match(ready.snapshotKey, /^service\/p\/snapshots\//);
    const detail = (await api.get(`/apps/own/vods/${ready.id}`)).body;
    assert.match(detail.variants[0].fileKey, /^service\/p\/own-one-.*\.m3u8$/);
    const keys = await s3.keys(bucket);
    assert.ok(keys.includes(ready.snapshotKey) && keys.includes(detail.variants[0].fileKey));
    assert.equal((await api.delete(`/apps/own/vods/${ready.id}`)).status, 204);
    assert.deepEqual(await s3.keys(bucket), []);
  });

  await t.test('one whose process was killed for want of memory is ready up to there, and deleted whole', async () => {
    const bucket = (await api.get('/apps/own/s3')).body.data.bucket;
    await worker.storage({ storage: { prefix: 'service' } });
    await start('own', { room: 'one' });
    const [vod] = await when('own', 'it records', ([row]) => row.status === 'recording');
    await lasts(vod, 3);
    await until('it has segments', async () => (await s3.keys(bucket)).some((key) => key.endsWith('.m3u8')));
    // as long as the storage can't be read it counts as failed
    await s3.deny(bucket, '', 's3:GetObject');
    await worker.killHandler(vod.egressId);
    const [failed] = await when('own', 'it is over', ([row]) => row.status === 'ready' || row.status === 'failed');
    assert.deepEqual([failed.status, failed.error], ['failed', 'signal: killed'], JSON.stringify(failed));
    await worker.storage({});
    await s3.deny(bucket, '', null);
    // as after a start, or when LiveKit is there again
    await daemon.services.inspector.resume({ name: 'own' } as AppEntry);
    const [ready] = await vods('own');
    assert.deepEqual([ready.status, ready.error], ['ready', null], JSON.stringify(ready));
    assert.match(ready.note, /^It was cut off \(signal: killed\): the last segments can be missing\.$/);
    assert.match(await (await fetch(ready.url)).text(), /#EXT-X-ENDLIST/);
    assert.equal((await api.delete(`/apps/own/vods/${ready.id}`)).status, 204);
    assert.deepEqual(await s3.keys(bucket), []);
  });

  await t.test('kill -9 of the service: segments stay playable, an MP4 fails, both rooms are free', async () => {
    const stopped = await stopping;
    assert.deepEqual([stopped.status, stopped.error, stopped.format], ['ready', null, 'hls'], JSON.stringify(stopped));
    assert.match(stopped.note, /^It was cut off \(the egress service that recorded it is gone: /);
    const row = (await vods('safe')).find(({ id }: any) => id === vod.id);
    const film = await probe(row.url);
    assert.ok(Math.abs(film.seconds - row.durationS) < 0.5, `${film.seconds} ${row.durationS}`);
    assert.deepEqual([row.width, row.height, row.videoCodec], [320, 180, 'h264']);
    assert.match(await (await fetch(row.url)).text(), /#EXT-X-ENDLIST/);
    assert.match(row.snapshotKey, /^service\/p\/snapshots\//);

    const [again, failed] = await when(
      'auto',
      'it begins again',
      (rows) => rows[0].part === 2 && rows[0].status === 'recording',
    );
    assert.match(failed.error, /egress service that recorded it is gone/);
    assert.equal(failed.status, 'failed');
    await stop('auto', again.id);
    await when('auto', 'it ends', ([last]) => last.status === 'ready');
    // nothing is left behind by a deletion, pictures included
    assert.ok((await s3.keys(bucket, 'service/p/snapshots/')).length > 0);
    await when('safe', 'the other is over', ([other]) => other.status === 'failed');
    assert.deepEqual((await api.get(`/apps/safe/vods/${bare.id}`)).body.variants, []);
    assert.notEqual((await segmentsOf('safe-bare')).length, 0);
    for (const { id } of [vod, bare]) assert.equal((await api.delete(`/apps/safe/vods/${id}`)).status, 204);
    assert.deepEqual(await s3.keys(bucket), []);
  });

  await t.test('kill -9 of the service while one ends and one starts', async () => {
    // what records can be watched going away; one that never began is found out when it is asked
    const stopped = await cancelled;
    assert.match(stopped.status, /^(?:failed|cancelled)$/, JSON.stringify(stopped));
    await looked;
    const rows: any[] = await until(
      'the other is over too',
      async () => {
        await look();
        const all: any[] = await vods('dead');
        return all.every(({ status }) => status !== 'uploading') ? all : undefined;
      },
      { every: 1000 },
    );
    const row = rows.find(({ id }) => id === ending.id);
    assert.deepEqual([row.status, row.error], ['ready', null], JSON.stringify(row));
    assert.match(row.note, /^It was cut off/);
    assert.match(await (await fetch(row.url)).text(), /#EXT-X-ENDLIST/);
    await Promise.all(
      ['ending', 'starting'].map(async (room) => {
        const { id } = await start('dead', { room });
        await when('dead', 'the room is free', (all) => all.find((one) => one.id === id)?.status === 'recording');
        await stop('dead', id);
      }),
    );
  });

  await t.test('an emptied Redis ends nothing', async () => {
    await app('keep', {});
    await (await enter('keep-one')).publish();
    const begun = await start('keep', { room: 'keep-one' });
    const [vod] = await when('keep', 'it records', ([row]) => row.status === 'recording');
    await redisCommand(livekit.redisUrl, 'FLUSHALL');
    const row = daemon.services.vods.find('keep', vod.id);
    for (let n = 0; n < 3; n++) await daemon.services.recording.checkRecorder({ name: 'keep' } as AppEntry, row);
    assert.equal((await vods('keep'))[0].status, 'recording');
    await stop('keep', begun.id);
    const [ready] = await when('keep', 'it is ready', ([row]) => row.status === 'ready' || row.status === 'failed');
    assert.deepEqual([ready.status, ready.error], ['ready', null]);
  });
});
