import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import type { RecordingPlan } from '#shared/delivery/plan.ts';
import { giveBucket } from '#test/helpers/bucket.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { startLivekit } from '#test/helpers/livekit.ts';
import { startMediaWorker } from '#test/helpers/media-worker.ts';
import { disposeMedia, join } from '#test/helpers/participant.ts';
import { startS3Server } from '#test/helpers/s3-server.ts';
import { until } from '#test/helpers/until.ts';

const run = promisify(execFile);
after(() => disposeMedia());

const PRESETS = ['low-latency', 'high-quality-recording', 'mass-audience-HLS'];

test('each preset changes what LiveKit is asked for, and what is recorded', async (t) => {
  const s3 = startS3Server();
  if (typeof s3 === 'string') return t.skip(s3);
  t.after(s3.stop);
  const livekit = startLivekit(t, { tellsDaemon: true });
  if (typeof livekit === 'string') return t.skip(livekit);
  const worker = await startMediaWorker(t, livekit, { cpus: 64 });
  if (typeof worker === 'string') return t.skip(worker);
  const { api } = await testDaemon(t, livekit.env);
  const all = (await api.get('/apps/live/presets')).body.data;
  assert.deepEqual(all.map(({ id }: any) => id).sort(), PRESETS.toSorted(), 'every preset is tried');
  const heights: number[] = [];
  for (const [index, preset] of PRESETS.entries()) {
    const app = `preset-${index}`;
    const room = `${app}-stage`;
    assert.equal((await api.post('/apps', { name: app })).status, 201);
    await giveBucket(api, app, s3);
    const preview = (await api.get(`/apps/${app}/presets/${preset}/preview`)).body.data;
    const applied = await api.post(`/apps/${app}/presets/${preset}/apply`);
    assert.equal(applied.status, 200, applied.text);
    const { plan, summary } = (await api.get(`/apps/${app}/delivery`)).body.data;
    assert.deepEqual(summary, preview.delivery.after, 'the preview said so');
    assert.equal(plan.live !== null, preset === 'mass-audience-HLS');
    const recording: RecordingPlan = plan.recording;
    const ana = await join(t, livekit.url, await livekit.token(room, 'ana'));
    await ana.publish();
    await until('there is a stream', async () => (await api.get(`/apps/${app}/streams`)).body.total === 1);
    const started = await api.post(`/apps/${app}/recording/start`, { room: 'stage' });
    assert.equal(started.status, 201, started.text);
    const vodIs = (status: string) =>
      until(
        `${preset}: ${status}`,
        async () => {
          const [vod] = (await api.get(`/apps/${app}/vods`)).body.data;
          assert.notEqual(vod.status, 'failed', vod.error);
          return vod.status === status ? vod : undefined;
        },
        { seconds: 90 },
      );
    const running = await vodIs('recording');
    await until('3 s are recorded', () => Date.now() - Date.parse(running.startedAt) > 3000);
    await api.call('POST', `/apps/${app}/recording/${running.id}/stop`);

    const orders: any[] = worker.orders();
    const composite: any = orders.find((order) => order.roomComposite?.roomName === room);
    const { advanced, fileOutputs, layout }: any = composite.roomComposite;
    const { video } = recording;
    assert.deepEqual(
      [layout, advanced.width, advanced.height, advanced.framerate, advanced.videoBitrate, advanced.audioBitrate],
      [recording.layout, video.width, video.height, video.framerate, video.bitrateKbps, video.audioKbps],
    );
    assert.equal(advanced.keyFrameInterval, video.keyframeSeconds);
    assert.ok(fileOutputs[0].s3);
    const live: any[] = orders.filter((order) => order.participant?.roomName === room);
    assert.equal(live.length > 0, plan.live !== null);

    const vod = await vodIs('ready');
    const { stdout } = await run('ffprobe', ['-v', 'error', '-show_streams', '-of', 'json', vod.url]);
    const film = JSON.parse(stdout).streams.find((stream: any) => stream.codec_type === 'video');
    assert.deepEqual([film.codec_name, film.width, film.height], ['h264', video.width, video.height]);
    const kbps = Number(film.bit_rate) / 1000;
    assert.ok(Math.abs(kbps / video.bitrateKbps - 1) < 0.2, `${kbps} of ${video.bitrateKbps} kbit/s`);
    heights.push(film.height);
    await ana.leave();
    await until('nothing runs', async () => (await worker.running()).length === 0, { seconds: 60 });
  }
  assert.deepEqual(heights, [720, 1080, 720]);
});
