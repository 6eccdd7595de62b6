import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { parseDocument } from 'yaml';
import { giveBucket } from '#test/helpers/bucket.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { probe } from '#test/helpers/films.ts';
import { playlistOf, untilTranscoded } from '#test/helpers/ladders.ts';
import { startLivekit } from '#test/helpers/livekit.ts';
import { startMediaWorker } from '#test/helpers/media-worker.ts';
import { disposeMedia, join } from '#test/helpers/participant.ts';
import { startS3Server } from '#test/helpers/s3-server.ts';
import { until } from '#test/helpers/until.ts';

after(() => disposeMedia());

test('ladders by egress workers: one order for each quality; ffmpeg makes what they can’t', {
  timeout: 400_000,
}, async (t) => {
  const renditions = [
    { height: 180, bitrate_kbps: 300 },
    { height: 144, bitrate_kbps: 200 },
  ];
  const s3 = startS3Server();
  if (typeof s3 === 'string') return t.skip(s3);
  t.after(s3.stop);
  const livekit = startLivekit(t, { tellsDaemon: true });
  if (typeof livekit === 'string') return t.skip(livekit);
  const first = await startMediaWorker(t, livekit);
  if (typeof first === 'string') return t.skip(first);
  let worker = first;
  const { api } = await testDaemon(t, { ...livekit.env, TRANSCODING_NICE: '0' });
  const configure = async (app: string, more: Record<string, unknown> = {}) => {
    assert.equal((await api.post('/apps', { name: app })).status, 201);
    const bucket = await giveBucket(api, app, s3, { prefix: 'p' });
    const text = parseDocument((await api.get(`/apps/${app}/config/raw`)).body.data.yaml);
    const transcoding = { enabled: true, vod_adaptive: true, ladder_on: 'egress', vod_renditions: renditions };
    const recording = { height: 180, fps: 15, bitrate_kbps: 300, mode: 'participant', ...more };
    for (const [block, keys] of Object.entries({ recording, transcoding, hls: { segment_seconds: 2 } }))
      for (const [key, value] of Object.entries(keys)) text.setIn([block, key], value);
    assert.equal((await api.put(`/apps/${app}/config/raw`, { yaml: text.toString() })).status, 200);
    return bucket;
  };
  const bucket = await configure('rungs');
  const { summary } = (await api.get('/apps/rungs/delivery')).body.data;
  assert.ok(
    summary.some((line: string) => line.endsWith('That needs 2 × 2 CPUs of egress more for each recording.')),
    summary.join('\n'),
  );
  const enter = async (app: string) => {
    await (await join(t, livekit.url, await livekit.token(`${app}-one`, 'ana'))).publish();
    await until('there is a stream', async () => (await api.get(`/apps/${app}/streams`)).body.total === 1);
  };
  const vodOf = async (app: string, id: number) => (await api.get(`/apps/${app}/vods/${id}`)).body;
  const vodIs = (app: string, id: number, status: string) =>
    until(`it is ${status}`, async () => {
      const vod = await vodOf(app, id);
      return vod.status === status ? vod : undefined;
    });
  const ordersIn = (app: string): any[] =>
    worker.orders().filter(({ participant }) => participant?.roomName === `${app}-one`);
  const start = async (app: string) => {
    const begun = await api.post(`/apps/${app}/recording/start`, { room: 'one' });
    assert.equal(begun.status, 201, begun.text);
    return begun.body.id as number;
  };
  const record = async (app: string, orders = 3) => {
    const before = ordersIn(app).length;
    const vod = await vodIs(app, await start(app), 'recording');
    await until('its qualities are ordered', () => ordersIn(app).length === before + orders);
    return { vod, orders: ordersIn(app).slice(before) };
  };
  const lasts = ({ startedAt }: any, seconds: number) =>
    until(`${seconds} s are recorded`, () => Date.now() - Date.parse(startedAt) > seconds * 1000);
  /** Encoders can begin later than the recording. */
  const written = (of: string, vod: any, heights = [180, 144], segment = 1) =>
    until('each quality has segments', async () => {
      const folder = vod.fileKey?.replace(/\.mp4$/, '/hls/') ?? '';
      const keys = await s3.keys(of, folder);
      return heights.every((height) => keys.some((key) => key.endsWith(`/${height}p/index_0000${segment}.ts`)));
    });
  const stop = async (app: string, id: number) =>
    assert.equal((await api.call('POST', `/apps/${app}/recording/${id}/stop`)).status, 200);
  /** A whole ladder, made by egress workers or ffmpeg. */
  const ladderOf = async (app: string, id: number) => {
    const vod = await untilTranscoded(api, app, id);
    assert.equal(vod.transcoding.state, 'ready', JSON.stringify(vod.transcoding));
    const kinds = vod.variants.filter(({ kind }: any) => kind !== 'alternate');
    assert.deepEqual(kinds.map(({ kind, height }: any) => [kind, height]).slice(-3), [
      ['master', null],
      ['rendition', 180],
      ['rendition', 144],
    ]);
    const { warnings } = (await api.get(`/jobs/${vod.transcoding.jobId}`)).body.data.result;
    const master = await playlistOf(vod.hlsUrl);
    const infos = master.lines.filter((line) => line.startsWith('#EXT-X-STREAM-INF'));
    assert.match(infos[0] ?? '', /RESOLUTION=320x180,CODECS="avc1\.64[0-9a-f]{4},mp4a\.40\.2",FRAME-RATE=15/);
    for (const [index, height] of [180, 144].entries()) {
      const media = await playlistOf(master.links[index] as string);
      assert.ok(media.lines.includes('#EXT-X-ENDLIST') && media.links.length >= 1, media.lines.join('\n'));
      assert.equal((await probe(media.links[0] as string)).height, height);
    }
    return { vod, warnings: warnings as string[] };
  };
  const byFfmpeg = /^Egress workers made no complete ladder \((.*)\), so ffmpeg did\.$/;
  /** What deletes a VOD finds everything that encoders and ffmpeg wrote. */
  const leavesNothing = async (app: string, of: string, id: number) => {
    assert.equal((await api.delete(`/apps/${app}/vods/${id}`)).status, 204);
    assert.deepEqual(await s3.keys(of), []);
  };
  await enter('rungs');

  await t.test('they make all of it', async () => {
    const { vod: running, orders } = await record('rungs');
    await written(bucket, running);
    await stop('rungs', running.id);
    const { vod, warnings } = await ladderOf('rungs', running.id);
    assert.deepEqual(await worker.running(), [], 'the encoders end with the recording');
    const [film, ...qualities] = orders.map(({ participant }) => participant);
    assert.equal(film.fileOutputs.length, 1);
    assert.deepEqual(
      qualities
        .map(({ advanced: { height, videoBitrate, keyFrameInterval }, segmentOutputs: [output] }) => {
          const [, folder] = /\/hls\/(\w+)\/index\.m3u8$/.exec(output.playlistName) ?? [];
          return [height, videoBitrate, keyFrameInterval, folder, output.segmentDuration];
        })
        .sort(([a], [b]) => b - a),
      [
        [180, 300, 2, '180p', 2],
        [144, 200, 2, '144p', 2],
      ],
    );
    assert.deepEqual(
      warnings.filter((text) => !text.startsWith('The qualities begin up to')),
      [],
    );
    const made = vod.variants.reduce((sum: number, { sizeBytes }: any) => sum + sizeBytes, 0);
    assert.equal(vod.ladderBytes, made);
    assert.equal((await api.get('/apps/rungs/vods')).body.total, 1, 'encoders are no recordings');
    await leavesNothing('rungs', bucket, vod.id);
  });

  await t.test('an order that is refused, and an encoder that is killed', async () => {
    await worker.fault('none');
    await worker.fault('start-timeout', { ms: 100 });
    const { vod: running, orders } = await record('rungs');
    const refused = orders[1].participant.advanced.height;
    const { egressId, participant } = orders[2];
    await written(bucket, running, [participant.advanced.height], 0);
    await worker.killHandler(egressId);
    await lasts(running, 2);
    await stop('rungs', running.id);
    const { vod, warnings } = await ladderOf('rungs', running.id);
    // the best quality that failed is named
    const reason = byFfmpeg.exec(warnings[0] ?? '')?.[1] ?? '';
    assert.match(reason, refused === 180 ? /^180p: .*handler failed to start/ : /^180p: signal: killed/, `${warnings}`);
    await leavesNothing('rungs', bucket, vod.id);
  });

  await t.test('LiveKit is killed while an encoder ends', async () => {
    await worker.fault('none');
    await worker.fault('hold-end', { times: 2 });
    const { vod: running, orders } = await record('rungs');
    await written(bucket, running, [180, 144], 0);
    await stop('rungs', running.id);
    await vodIs('rungs', running.id, 'ready');
    await livekit.restartKilled();
    for (const { egressId } of orders.slice(1)) await worker.release(egressId);
    const { vod, warnings } = await ladderOf('rungs', running.id);
    assert.ok(!warnings.some((text) => byFfmpeg.test(text)), warnings.join('\n'));
    await leavesNothing('rungs', bucket, vod.id);
  });

  await t.test('the service is killed, and one that takes nothing more follows', async () => {
    // segments outlive their service
    const safe = await configure('safe', { format: 'segments' });
    const full = await configure('full');
    await enter('safe');
    await enter('full');
    const { vod: lost } = await record('safe');
    await until(
      'there are segments',
      async () => (await s3.keys(safe)).filter((key) => key.endsWith('.ts')).length > 4,
    );
    await worker.kill();
    const next = await startMediaWorker(t, livekit);
    assert.ok(typeof next !== 'string');
    worker = next;
    await worker.fault('hold-start');
    const id = await start('full');
    const egressId = await until('it is ordered', () => ordersIn('full')[0]?.egressId);
    // it finishes what it has, and takes nothing new
    const drained = worker.drain();
    await worker.release(egressId);
    const running = await vodIs('full', id, 'recording');
    await lasts(running, 2);
    await stop('full', id);
    const unasked = await ladderOf('full', id);
    assert.match(byFfmpeg.exec(unasked.warnings[0] ?? '')?.[1] ?? '', /^180p: .*egress service/, `${unasked.warnings}`);
    await leavesNothing('full', full, id);
    await drained;

    await stop('safe', lost.id);
    const { vod, warnings } = await ladderOf('safe', lost.id);
    assert.match(vod.note, /^It was cut off/);
    assert.match(
      byFfmpeg.exec(warnings[0] ?? '')?.[1] ?? '',
      /^180p: the egress service that made it is gone/,
      `${warnings}`,
    );
    await leavesNothing('safe', safe, lost.id);
  });
});
