import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import {
  EgressClient,
  EncodedFileOutput,
  EncodedFileType,
  EncodingOptions,
  ImageOutput,
  IngressClient,
  IngressInput,
  S3Upload,
  SegmentedFileOutput,
  VideoCodec,
} from 'livekit-server-sdk';
import { callbackReceiver } from '#test/helpers/callback-receiver.ts';
import { startLivekit } from '#test/helpers/livekit.ts';
import { startMediaWorker } from '#test/helpers/media-worker.ts';
import { disposeMedia, join } from '#test/helpers/participant.ts';
import { startS3Server } from '#test/helpers/s3-server.ts';
import { until } from '#test/helpers/until.ts';

const run = promisify(execFile);
/** A real encoder: picture and sound over RTMP. */
const ENCODER =
  '-v error -re -f lavfi -i testsrc=size=320x180:rate=30 -re -f lavfi -i sine -c:v libx264 -preset ultrafast -tune zerolatency -g 30 -pix_fmt yuv420p -c:a aac -f flv'.split(
    ' ',
  );
after(() => disposeMedia());

test('the media worker carries out orders and ingests of a real LiveKit as the real services do', async (t) => {
  const s3 = startS3Server();
  if (typeof s3 === 'string') return t.skip(s3);
  t.after(s3.stop);
  const hooks = await callbackReceiver(t);
  const livekit = startLivekit(t, { webhooks: [hooks.url] });
  if (typeof livekit === 'string') return t.skip(livekit);
  const worker = await startMediaWorker(t, livekit);
  if (typeof worker === 'string') return t.skip(worker);
  const api = livekit.url.replace(/^ws/, 'http');
  const egress = new EgressClient(api, livekit.apiKey, livekit.apiSecret);
  const ingress = new IngressClient(api, livekit.apiKey, livekit.apiSecret);
  const bucket = await s3.bucket();
  const upload = (over: object = {}) =>
    new S3Upload({
      accessKey: s3.key,
      secret: s3.secret,
      region: s3.region,
      endpoint: s3.endpoint,
      bucket,
      forcePathStyle: true,
      ...over,
    });
  const file = (filepath: string, over?: object) =>
    new EncodedFileOutput({
      fileType: EncodedFileType.MP4,
      filepath,
      disableManifest: true,
      output: { case: 's3', value: upload(over) },
    });
  const seen = new Set<unknown>();
  // LiveKit sends events of different kinds in no certain order
  const told = async (event: string, id: string, status?: string): Promise<any> => {
    const fits = ({ body }: { body: any }) => {
      const info = body.egressInfo ?? body.ingressInfo;
      const by = info?.egressId ?? info?.ingressId ?? body.participant?.identity ?? body.room.name;
      return body.event === event && by === id && (status === undefined || info?.status === status) && !seen.has(body);
    };
    const one = await until(`${event} ${status ?? ''} of ${id}`, () => hooks.received.find(fits), { seconds: 40 });
    seen.add(one.body);
    return one.body;
  };
  const listed = async (egressId: string) => (await egress.listEgress({ egressId }))[0];

  await t.test('file, segments and pictures of one order, as asked, with the recorder in the room', async (t) => {
    const someone = await join(t, livekit.url, await livekit.token('studio', 'ann'));
    await someone.publish();
    const order = await egress.startRoomCompositeEgress(
      'studio',
      {
        file: file('a/film.mp4'),
        segments: new SegmentedFileOutput({
          filenamePrefix: 'a/hls/s',
          playlistName: 'index.m3u8',
          livePlaylistName: 'live.m3u8',
          segmentDuration: 1,
          disableManifest: true,
          output: { case: 's3', value: upload() },
        }),
        images: new ImageOutput({
          captureInterval: 1,
          width: 320,
          height: 180,
          filenamePrefix: 'a/pictures/p',
          disableManifest: true,
          output: { case: 's3', value: upload() },
        }),
      },
      {
        encodingOptions: new EncodingOptions({
          width: 640,
          height: 360,
          framerate: 15,
          videoCodec: VideoCodec.H264_HIGH,
          videoBitrate: 600,
          audioBitrate: 64,
          keyFrameInterval: 2,
        }),
      },
    );
    const id = order.egressId;
    await told('egress_started', id);
    const joined = await told('participant_joined', id);
    assert.deepEqual(joined.participant.permission, { canSubscribe: true, hidden: true, recorder: true });
    assert.equal(joined.participant.kind, 'EGRESS');
    await told('egress_updated', id, 'EGRESS_ACTIVE');
    await until('the live playlist is uploaded', async () =>
      (await s3.keys(bucket, 'a/hls/')).includes('a/hls/live.m3u8'),
    );
    await egress.stopEgress(id);
    await told('egress_updated', id, 'EGRESS_ENDING');
    const { egressInfo } = await told('egress_ended', id);
    assert.equal(egressInfo.status, 'EGRESS_COMPLETE');
    assert.equal(egressInfo.details, 'End reason: StopEgress API');
    const [result] = egressInfo.fileResults;
    assert.equal(result.location, `${s3.endpoint.replace('http:', 'https:')}/${bucket}/a/film.mp4`);
    assert.equal(BigInt(result.duration), BigInt(result.endedAt) - BigInt(result.startedAt));
    const keys = await s3.keys(bucket, 'a/');
    for (const key of ['a/hls/index.m3u8', 'a/hls/s_00000.ts', 'a/pictures/p_00000.jpeg'])
      assert.ok(keys.includes(key), `${key} in ${keys}`);
    const film = path.join(worker.dir, 'film.mp4');
    const object = await s3.client.send(new GetObjectCommand({ Bucket: bucket, Key: 'a/film.mp4' }));
    await writeFile(film, await object.Body!.transformToByteArray());
    const { stdout } = await run('ffprobe', ['-v', 'error', '-show_streams', '-of', 'json', film]);
    const [video, audio] = JSON.parse(stdout).streams;
    assert.deepEqual(
      [video.codec_name, video.profile, video.width, video.height, video.r_frame_rate, audio.codec_name],
      ['h264', 'High', 640, 360, '15/1', 'aac'],
    );
    const rate = Number(video.bit_rate);
    assert.ok(rate > 480_000 && rate < 720_000, `${rate} bit/s`);
    assert.equal(worker.orders()[0].roomComposite.fileOutputs[0].s3.secret, '{secret}');
  });

  await t.test('aborted, refused, killed, source closed', async (t) => {
    const someone = await join(t, livekit.url, await livekit.token('stage', 'ann'));
    // nobody publishes: it stays STARTING
    const early = await egress.startRoomCompositeEgress('stage', { file: file('b/early.mp4') });
    await told('participant_joined', early.egressId);
    await egress.stopEgress(early.egressId);
    const aborted = (await told('egress_ended', early.egressId)).egressInfo;
    assert.deepEqual([aborted.status, aborted.errorCode], ['EGRESS_ABORTED', 412]);

    await someone.publish();
    const refused = await egress.startParticipantEgress('stage', 'ann', {
      file: file('b/refused.mp4', { secret: 'wrong' }),
    });
    await told('egress_updated', refused.egressId, 'EGRESS_ACTIVE');
    await egress.stopEgress(refused.egressId);
    const failed = (await told('egress_ended', refused.egressId)).egressInfo;
    assert.deepEqual([failed.status, failed.errorCode], ['EGRESS_FAILED', 400]);
    assert.match(failed.error, /^S3 upload failed: .*StatusCode: 403.*SignatureDoesNotMatch/);

    const shot = await egress.startParticipantEgress('stage', 'ann', { file: file('b/shot.mp4') });
    await told('egress_updated', shot.egressId, 'EGRESS_ACTIVE');
    await worker.killHandler(shot.egressId);
    const killed = (await told('egress_ended', shot.egressId)).egressInfo;
    assert.deepEqual([killed.status, killed.error, killed.details], ['EGRESS_FAILED', 'signal: killed', undefined]);

    const closed = await egress.startParticipantEgress('stage', 'ann', { file: file('b/closed.mp4') });
    await told('egress_updated', closed.egressId, 'EGRESS_ACTIVE');
    await someone.leave();
    const ending = (await told('egress_updated', closed.egressId, 'EGRESS_ENDING')).egressInfo;
    assert.equal(ending.details, 'End reason: Source closed');
    assert.equal((await told('egress_ended', closed.egressId)).egressInfo.status, 'EGRESS_COMPLETE');
  });

  await t.test('an ingest publishes, is taken over, and ends without a word when it is deleted', async (t) => {
    const made = await ingress.createIngress(IngressInput.RTMP_INPUT, {
      name: 'Camera',
      roomName: 'camera',
      participantIdentity: 'enc1',
      participantName: 'Camera',
    });
    await assert.rejects(worker.startEncoder('wrong'), /Publish failed/);
    const key = made.streamKey!;
    const first = await worker.startEncoder(key);
    const started = (await told('ingress_started', made.ingressId)).ingressInfo;
    assert.deepEqual(
      [started.state.status, started.state.audio.mimeType, started.state.resourceId],
      ['ENDPOINT_PUBLISHING', 'audio/aac', first.resourceId],
    );
    const layers = await until('the layers are listed', async () => {
      const [person] = await livekit.rooms.listParticipants('camera');
      const video = person?.tracks.find((track) => track.layers.length > 1);
      return video?.layers.map((layer) => layer.height);
    });
    assert.deepEqual(layers.sort(), [180, 360]);
    const encoder = spawn('ffmpeg', [...ENCODER, `${worker.rtmpUrl}/${key}`], { stdio: 'ignore' });
    t.after(() => encoder.kill('SIGKILL'));
    const cutOff = once(encoder, 'exit');
    const again = (await told('ingress_started', made.ingressId)).ingressInfo;
    assert.notEqual(again.state.resourceId, first.resourceId);
    await until('the picture is told', async () => {
      const [info] = await ingress.listIngress({ ingressId: made.ingressId });
      return info?.state?.video?.width === 320;
    });
    await ingress.deleteIngress(made.ingressId);
    assert.deepEqual(await cutOff, [1, null]);
    await told('room_finished', 'camera');
    assert.equal(hooks.received.filter(({ body }) => body.event === 'ingress_ended').length, 0);
  });

  await t.test('a lost service tells nothing more, and a stop gets no answer', async (t) => {
    const someone = await join(t, livekit.url, await livekit.token('lost', 'ann'));
    await someone.publish();
    const { egressId } = await egress.startParticipantEgress('lost', 'ann', { file: file('c/lost.mp4') });
    await told('egress_updated', egressId, 'EGRESS_ACTIVE');
    await worker.kill();
    await assert.rejects(egress.stopEgress(egressId), (error: { status?: number }) => error.status === 408);
    assert.equal((await listed(egressId))?.status, 1);
  });
});
