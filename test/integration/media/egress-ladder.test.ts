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

test('a ladder by egress workers: one order for each quality', async (t) => {
  const renditions = [
    { height: 180, bitrate_kbps: 300 },
    { height: 144, bitrate_kbps: 200 },
  ];
  const s3 = await startS3Server();
  if (typeof s3 === 'string') return t.skip(s3);
  t.after(s3.stop);
  const livekit = await startLivekit(t, { tellsDaemon: true });
  if (typeof livekit === 'string') return t.skip(livekit);
  const worker = await startMediaWorker(t, livekit);
  if (typeof worker === 'string') return t.skip(worker);
  const { api } = await testDaemon(t, { ...livekit.env, TRANSCODING_NICE: '0' });
  assert.equal((await api.post('/apps', { name: 'rungs' })).status, 201);
  const bucket = await giveBucket(api, 'rungs', s3, { prefix: 'p' });
  const vods = async () => (await api.get('/apps/rungs/vods')).body.data;
  const when = (what: string, isSo: (rows: any[]) => boolean): Promise<any[]> =>
    until(what, async () => {
      const rows = await vods();
      return isSo(rows) ? rows : undefined;
    });
  const orders = (): any[] =>
    worker
      .orders()
      .map((order) => order.participant)
      .filter((order) => order?.roomName === 'rungs-one');
  const text = parseDocument((await api.get('/apps/rungs/config/raw')).body.data.yaml);
  const transcoding = { enabled: true, vod_adaptive: true, ladder_on: 'egress', vod_renditions: renditions };
  for (const [key, value] of Object.entries({ height: 180, fps: 15, bitrate_kbps: 300, mode: 'participant' }))
    text.setIn(['recording', key], value);
  text.setIn(['hls', 'segment_seconds'], 2);
  for (const [key, value] of Object.entries(transcoding)) text.setIn(['transcoding', key], value);
  assert.equal((await api.put('/apps/rungs/config/raw', { yaml: text.toString() })).status, 200);
  const { summary } = (await api.get('/apps/rungs/delivery')).body.data;
  assert.ok(
    summary.some((line: string) => line.endsWith('That needs 2 × 2 CPUs of egress more for each recording.')),
    summary.join('\n'),
  );
  const ana = await join(t, livekit.url, await livekit.token('rungs-one', 'ana'));
  await ana.publish();
  await until('there is a stream', async () => (await api.get('/apps/rungs/streams')).body.total === 1);
  const record = async () => {
    const before = orders().length;
    const begun = await api.post('/apps/rungs/recording/start', { room: 'one' });
    assert.equal(begun.status, 201, begun.text);
    const { id } = begun.body;
    const [vod] = await when('it records', ([row]) => row.id === id && row.status === 'recording');
    await until('both qualities are ordered', () => orders().length === before + 3);
    await until('3 s are recorded', () => Date.now() - Date.parse(vod.startedAt) > 3000);
    return vod;
  };
  /** Encoders can begin later than the recording. */
  const written = (vod: any, heights: number[]) =>
    until('each quality has two segments', async () => {
      const keys = await s3.keys(bucket, vod.fileKey.replace(/\.mp4$/, '/hls/'));
      return heights.every((height) => keys.some((key) => key.endsWith(`/${height}p/index_00001.ts`)));
    });
  const finish = async ({ id }: any) => {
    assert.equal((await api.call('POST', `/apps/rungs/recording/${id}/stop`)).status, 200);
    const vod = await untilTranscoded(api, 'rungs', id);
    assert.equal(vod.transcoding.state, 'ready', JSON.stringify(vod.transcoding));
    assert.deepEqual(await worker.running(), [], 'the encoders end with the recording');
    const kinds = vod.variants.map(({ kind, height }: any) => [kind, height]);
    assert.deepEqual(kinds, [
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

  const first = await record();
  await written(first, [180, 144]);
  const whole = await finish(first);
  const [film, ...qualities] = orders();
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
    whole.warnings.filter((text) => !text.startsWith('The qualities begin up to')),
    [],
  );
  const made = whole.vod.variants.reduce((sum: number, { sizeBytes }: any) => sum + sizeBytes, 0);
  assert.equal(whole.vod.ladderBytes, made);
  assert.equal((await vods()).length, 1, 'encoders are no recordings');

  for (const { id } of await vods()) assert.equal((await api.delete(`/apps/rungs/vods/${id}`)).status, 204);
  assert.deepEqual(await s3.keys(bucket), []);
});
