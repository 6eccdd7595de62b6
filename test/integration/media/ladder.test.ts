import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { giveBucket } from '#test/helpers/bucket.ts';
import { callbackReceiver } from '#test/helpers/callback-receiver.ts';
import { sharedDaemon } from '#test/helpers/daemon.ts';
import { readEvents } from '#test/helpers/event-reader.ts';
import { keyFrames, makeFilm, probe } from '#test/helpers/films.ts';
import { bandwidthsOf, playlistOf, recordFilm, untilTranscoded, wantLadder } from '#test/helpers/ladders.ts';
import { LIVEKIT_KEYS } from '#test/helpers/livekit-webhook.ts';
import { type S3Server, startS3Server } from '#test/helpers/s3-server.ts';
import { until } from '#test/helpers/until.ts';

// No egress service can be had here: its files are made by ffmpeg and put where it would write them.
const ENV = { ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9', TRANSCODING_NICE: '0' };

let dir: string;
const s3 = startS3Server();
const daemon = sharedDaemon(ENV, async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'streamhub-films-'));
  for (const name of ['disk', 'vp8']) {
    assert.equal((await daemon.api.post('/apps', { name })).status, 201);
  }
  await wantLadder(daemon.api, 'live', { vodRenditions: [720, 240, 144], encoding: 'h264+vp8' });
  await wantLadder(daemon.api, 'disk', { vodRenditions: [480, 240] });
});
after(async () => {
  await rm(dir, { recursive: true, force: true });
  if (typeof s3 !== 'string') await s3.stop();
});

const sendCallbacks = async (app: string, callbackUrl: string): Promise<void> => {
  assert.equal((await daemon.api.patch(`/apps/${app}`, { callbackUrl })).status, 200);
};
const folder = (app: string) => path.join(daemon.dataDir, 'apps', app);
const isThere = (file: string) =>
  access(file).then(
    () => true,
    () => false,
  );

describe('a recording in a bucket', () => {
  test('gets a ladder and a WebM file beside it, which play, and go with it', async (t) => {
    if (typeof s3 === 'string') return t.skip(s3);
    const receiver = await callbackReceiver(t);
    await sendCallbacks('live', receiver.url);
    const bucket = await giveBucket(daemon.api, 'live', s3, { prefix: 'p' });
    const events = await readEvents(t, daemon.url, daemon.token, { query: '?topics=vods,jobs' });
    await events.next('hello');
    const film = await makeFilm(dir, 'bucket.mp4', { width: 426, height: 240, seconds: 5 });
    await s3.client.send(new PutObjectCommand({ Bucket: bucket, Key: 'p/film.mp4', Body: await readFile(film) }));
    const { id } = await recordFilm(daemon, 'live', { key: 'p/film.mp4', s3, bucket });
    const vod = await untilTranscoded(daemon.api, 'live', id);
    assert.equal(vod.transcoding.state, 'ready', JSON.stringify(vod.transcoding));
    assert.match(vod.url, /film\.mp4\?/, 'the recording itself stays what `url` leads to');

    await events.next('job.succeeded');
    const job = (await daemon.api.get(`/jobs/${vod.transcoding.jobId}`)).body.data;
    assert.deepEqual([job.kind, job.app, job.state, job.result.qualities], ['vod-transcode', 'live', 'succeeded', 2]);
    const told = events.heard.filter(({ event }) => event === 'job.progress').map(({ data }) => data.data.job.progress);
    assert.ok(
      told.some(({ phase, rate }) => phase === 'encode' && rate > 0),
      JSON.stringify(told),
    );
    assert.equal(events.heard.find(({ event }) => event === 'vod.ready')?.data.data.id, id);

    // 720 lines are more than it has
    assert.deepEqual(
      vod.variants.map(({ kind, format, height, bitrateKbps, fileKey }: any) => [
        kind,
        format,
        height,
        bitrateKbps,
        fileKey,
      ]),
      [
        ['master', 'hls', null, null, 'p/film/hls/master.m3u8'],
        ['rendition', 'hls', 240, 500, 'p/film/hls/240p/index.m3u8'],
        ['rendition', 'hls', 144, 250, 'p/film/hls/144p/index.m3u8'],
        ['alternate', 'webm', 240, 500, 'p/film/vp8.webm'],
      ],
    );
    const master = await playlistOf(vod.hlsUrl);
    const streams = master.lines.filter((line) => line.startsWith('#EXT-X-STREAM-INF'));
    assert.match(streams[0] ?? '', /RESOLUTION=426x240,CODECS="avc1\.64[0-9a-f]{4},mp4a\.40\.2",FRAME-RATE=30\.000$/);
    assert.match(streams[1] ?? '', /RESOLUTION=256x144,/);
    const boundaries: string[][] = [];
    for (const [index, height] of [240, 144].entries()) {
      const media = await playlistOf(master.links[index] as string);
      boundaries.push(media.lines.filter((line) => line.startsWith('#EXTINF')));
      assert.equal(media.links.length, 3, 'segments of 2 s');
      const parts = await Promise.all(
        media.links.map(async (link) => {
          assert.equal(new URL(link).origin, new URL((s3 as S3Server).endpoint).origin, 'the bucket serves media');
          return Buffer.from(await (await fetch(link)).arrayBuffer());
        }),
      );
      const whole = path.join(dir, `rung-${height}.ts`);
      await writeFile(whole, Buffer.concat(parts));
      const found = await probe(whole);
      const width = height === 240 ? 426 : 256;
      assert.deepEqual([found.width, found.height, found.codecs, found.profile], [width, height, 'h264 aac', 'High']);
      assert.ok(Math.abs(found.seconds - 5) < 0.2, `${found.seconds} s`);
      assert.deepEqual(await keyFrames(whole), [0, 2, 4], 'each segment begins with the only key frame in it');
      const wanted = 1000 * (height === 240 ? 500 + 96 : 250 + 96);
      const { average, peak } = bandwidthsOf(streams[index] ?? '');
      const sent = (8 * Buffer.concat(parts).length) / 5;
      assert.ok(Math.abs(average - sent) < 0.02 * sent && peak >= average, `${average}, ${peak}, sent ${sent}`);
      assert.ok(Math.abs(average - wanted) < 0.2 * wanted, `${average} of ${wanted} bit/s`);
    }
    assert.deepEqual(boundaries[0], boundaries[1], 'the same segment boundaries in each rung');
    const webm = vod.variants[3];
    const file = path.join(dir, 'alternate.webm');
    await writeFile(file, Buffer.from(await (await fetch(webm.url)).arrayBuffer()));
    const alternate = await probe(file);
    assert.deepEqual([alternate.width, alternate.height, alternate.codecs], [426, 240, 'vp8 opus']);
    assert.ok(Math.abs(alternate.bitrate - 596_000) < 0.2 * 596_000, `${alternate.bitrate} bit/s`);

    const [ready, complete] = [
      await receiver.next(isEvent('recording_ready')),
      await receiver.next(isEvent('vod_ready')),
    ];
    assert.ok(ready.body.seq < complete.body.seq);
    assert.deepEqual(complete.body.data.hls, { fileKey: 'p/film/hls/master.m3u8', url: null });

    const open = { public_url: 'https://cdn.example.com/x', confirmPublic: true };
    assert.equal((await daemon.api.put('/apps/live/s3', open)).status, 200);
    const published = (await daemon.api.get(`/apps/live/vods/${id}`)).body;
    assert.equal(published.hlsUrl, 'https://cdn.example.com/x/p/film/hls/master.m3u8');
    // a CDN for recordings comes first
    const raw = (await daemon.api.get('/apps/live/config/raw')).body.data.yaml as string;
    const cdn = 'distribution:\n  mode: cdn\n  cdn:\n    vod_base_url: https://vod.example.com/v/\n';
    assert.equal((await daemon.api.put('/apps/live/config/raw', { yaml: `${raw}\n${cdn}` })).status, 200);
    const { plan, summary } = (await daemon.api.get('/apps/live/delivery')).body.data;
    assert.equal(plan.playback.vodBaseUrl, 'https://vod.example.com/v/');
    assert.ok(summary.includes('Anyone with the link can open recordings, at vod.example.com.'), summary.join('\n'));
    const cached = (await daemon.api.get(`/apps/live/vods/${id}`)).body;
    assert.deepEqual(
      [cached.url, cached.hlsUrl, cached.variants[1].url],
      ['film.mp4', 'film/hls/master.m3u8', 'film/hls/240p/index.m3u8'].map(
        (key) => `https://vod.example.com/v/p/${key}`,
      ),
    );
    assert.equal((await daemon.api.put('/apps/live/config/raw', { yaml: raw })).status, 200);
    assert.equal((await daemon.api.put('/apps/live/s3', { public_url: '' })).status, 200);

    const made = vod.variants.reduce((sum: number, { sizeBytes }: any) => sum + sizeBytes, 0);
    assert.ok(made > 500_000 && vod.ladderBytes === made, `${made} ${vod.ladderBytes}`);
    const sizes = (await daemon.api.get('/apps/live/sizes')).body.data;
    assert.deepEqual([sizes.vodTotalBytes, sizes.vodLadderBytes], [vod.sizeBytes + made, made]);
    assert.equal(await isThere(path.join(folder('live'), '.transcoding/1')), false);
    assert.equal((await daemon.api.delete(`/apps/live/vods/${id}`)).status, 204);
    assert.deepEqual(await s3.keys(bucket), []);
    assert.equal((await daemon.api.get('/apps/live/sizes')).body.data.vodTotalBytes, 0);
  });

  test('gets one from its segments, and waits for a storage that refuses', async (t) => {
    if (typeof s3 === 'string') return t.skip(s3);
    await wantLadder(daemon.api, 'live', { vodRenditions: [240], encoding: 'h264' });
    const bucket = await giveBucket(daemon.api, 'live', s3, { prefix: 'p' });
    const source = path.join(dir, 'segments');
    await mkdir(source);
    await makeFilm(source, 'film.m3u8', { width: 426, height: 240, seconds: 3 });
    const names = (await readdir(source)).filter((name) => name.endsWith('.ts')).sort();
    for (const name of [...names, 'film.m3u8']) {
      const Body = await readFile(path.join(source, name));
      await s3.client.send(new PutObjectCommand({ Bucket: bucket, Key: `p/seg/${name}`, Body }));
    }
    await s3.deny(bucket, 'p/seg/film/hls/', 's3:PutObject');
    const segments = { playlist: 'p/seg/film.m3u8', count: names.length };
    const { id } = await recordFilm(daemon, 'live', { key: 'p/seg/film.m3u8', s3, bucket, segments });
    const waiting = await until('it waits', async () => {
      const { transcoding } = (await daemon.api.get(`/apps/live/vods/${id}`)).body;
      return transcoding?.state === 'waiting' && transcoding;
    });
    assert.match(waiting.problem, /refuse/);
    const refused = (await daemon.api.get(`/jobs/${waiting.jobId}`)).body.data;
    assert.deepEqual([refused.error.code, refused.attempts, refused.maxAttempts], ['TRANSCODING_STORAGE', 1, 10]);
    await s3.deny(bucket, '', null);
    const events = await readEvents(t, daemon.url, daemon.token, { query: '?topics=jobs' });
    await events.next('hello');
    assert.equal((await daemon.api.post(`/jobs/${waiting.jobId}/retry`)).status, 200);
    const vod = await untilTranscoded(daemon.api, 'live', id);
    assert.equal(vod.transcoding.state, 'ready', JSON.stringify(vod.transcoding));
    const phases = events.heard.flatMap(({ data }) => data.data?.job?.progress?.phase ?? []);
    assert.ok(!phases.includes('encode'), `what was encoded is kept: ${phases}`);
    assert.match(vod.hlsUrl, /\/playlists\/master\.m3u8\?/);
    assert.match(vod.url, /\/playlists\/film\.m3u8\?/);
    const [rung] = (await playlistOf(vod.hlsUrl)).links;
    assert.equal((await playlistOf(rung as string)).links.length, 2);
    assert.equal((await daemon.api.delete(`/apps/live/vods/${id}`)).status, 204);
    assert.deepEqual(await s3.keys(bucket), []);
  });
});

describe('a recording in the app’s folder', () => {
  const record = async (name: string, more: Parameters<typeof makeFilm>[2]) => {
    const film = await makeFilm(dir, name, more);
    const file = path.join(folder('disk'), 'recordings', name);
    await mkdir(path.dirname(file), { recursive: true });
    await copyFile(film, file);
    return (await recordFilm(daemon, 'disk', { file })).id;
  };
  const detail = async (id: number) => {
    const vod = await untilTranscoded(daemon.api, 'disk', id);
    assert.equal(vod.transcoding.state, 'ready', JSON.stringify(vod.transcoding));
    return vod;
  };
  const resolutions = async (vod: any) =>
    (await playlistOf(vod.hlsUrl)).lines.flatMap((line) => /RESOLUTION=([\dx]+)/.exec(line)?.[1] ?? []);

  test('portrait, odd sizes, sound alone and video alone', async () => {
    const portrait = await record('portrait.mp4', { width: 640, height: 480, rotate: 90, seconds: 2 });
    const odd = await record('odd.webm', { width: 321, height: 239, seconds: 2, noAudio: true, framerate: 25 });
    const sound = await record('sound.mp4', { noVideo: true, seconds: 5 });

    const tall = await detail(portrait);
    assert.deepEqual(await resolutions(tall), ['480x640', '240x320']);
    const [first] = (await playlistOf((await playlistOf(tall.hlsUrl)).links[0] as string)).links;
    const found = await probe(first as string);
    assert.deepEqual([found.width, found.height, found.codecs], [480, 640, 'h264 aac']);

    const small = await detail(odd);
    assert.deepEqual(await resolutions(small), ['320x238'], 'even, and never above its size');
    const [info] = (await playlistOf(small.hlsUrl)).lines.filter((line) => line.includes('STREAM-INF'));
    assert.match(info ?? '', /CODECS="avc1\.[0-9a-f]{6}",FRAME-RATE=25\.000$/);

    const heard = await detail(sound);
    const { lines, links } = await playlistOf(heard.hlsUrl);
    assert.match(
      lines.find((line) => line.includes('STREAM-INF')) ?? '',
      /AVERAGE-BANDWIDTH=\d+,CODECS="mp4a\.40\.2"$/,
    );
    const audio = await playlistOf(links[0] as string);
    assert.equal((await probe(audio.links[0] as string)).codecs, 'aac');
    assert.equal(audio.links.length, 3);

    for (const id of [portrait, odd, sound]) {
      assert.equal((await daemon.api.delete(`/apps/disk/vods/${id}`)).status, 204);
    }
    assert.deepEqual(await filesBelow(path.join(folder('disk'), 'recordings')), []);
  });

  test('one that no disk has room for waits, and says how much it needs', async () => {
    const file = path.join(folder('disk'), 'recordings/year.mkv');
    await mkdir(path.dirname(file), { recursive: true });
    // two large frames, four weeks apart: no machine that runs tests has room for that
    const apart = ['-vf', 'settb=1/1000,setpts=N*2500000000', '-vsync', 'passthrough', '-enc_time_base', '1/1000'];
    const input = ['-f', 'lavfi', '-i', 'color=s=1920x1080:r=1:d=2'];
    await promisify(execFile)('ffmpeg', ['-loglevel', 'error', ...input, ...apart, '-y', file]);
    const { id } = await recordFilm(daemon, 'disk', { file });
    const { jobId, problem } = await until('it waits', async () => {
      const { transcoding } = (await daemon.api.get(`/apps/disk/vods/${id}`)).body;
      return transcoding?.state === 'waiting' && transcoding;
    });
    assert.match(
      problem,
      /^The disk of the daemon has no room to transcode the recording: it needs about [\d.]+ [GT]iB\.$/,
    );
    assert.equal((await daemon.api.get(`/jobs/${jobId}`)).body.data.error.code, 'TRANSCODING_NO_SPACE');
    assert.equal((await daemon.api.delete(`/apps/disk/vods/${id}`)).status, 204);
    await until(
      'its folder is gone',
      async () => !(await isThere(path.join(folder('disk'), '.transcoding', String(id)))),
    );
  });

  test('what can’t be transcoded stays a recording, and says why', async (t) => {
    const receiver = await callbackReceiver(t);
    await sendCallbacks('disk', receiver.url);
    const file = path.join(folder('disk'), 'recordings/broken.mp4');
    // a playlist in disguise must open nothing
    await writeFile(file, `#EXTM3U\n#EXTINF:1,\nfile://${folder('disk')}/config.yaml\n`);
    const { id } = await recordFilm(daemon, 'disk', { file });
    const vod = await untilTranscoded(daemon.api, 'disk', id);
    assert.deepEqual([vod.status, vod.transcoding.state, vod.hlsUrl], ['ready', 'failed', null]);
    assert.match(vod.transcoding.problem, /^No ladder could be made of the recording: ffmpeg says: /);
    assert.ok(!vod.transcoding.problem.includes(daemon.dataDir), vod.transcoding.problem);
    assert.match(vod.note, /No ladder could be made/);
    const { body } = await receiver.next(isEvent('vod_ready'));
    assert.equal(body.data.hls, undefined);
    await sendCallbacks('disk', '');
    await copyFile(await makeFilm(dir, 'mended.mp4', { width: 320, height: 180, seconds: 1 }), file);
    const again = await daemon.api.post(`/apps/disk/vods/${id}/transcode`);
    assert.equal(again.status, 202, again.text);
    assert.equal((await daemon.api.post(`/apps/disk/vods/${id}/transcode`)).body.data.id, again.body.data.id);
    const mended = await detail(id);
    assert.deepEqual([mended.transcoding.jobId, mended.note], [again.body.data.id, null]);
  });

  test('a cancelled job leaves nothing, and a VOD is deleted while it runs', async () => {
    const id = await record('long.mp4', { seconds: 2, times: 20 });
    const running = async () => {
      const { transcoding } = (await daemon.api.get(`/apps/disk/vods/${id}`)).body;
      const job = (await daemon.api.get(`/jobs/${transcoding.jobId}`)).body.data;
      return job.progress?.phase === 'encode' && job.progress.done >= 1 ? job : undefined;
    };
    const job = await until('it encodes', running);
    assert.equal(job.progress.unit, 'seconds');
    assert.ok(job.progress.secondsLeft > 0 && Math.abs(job.progress.total - 40) < 3, JSON.stringify(job.progress));
    const cancelled = await daemon.api.post(`/jobs/${job.id}/cancel`);
    assert.deepEqual([cancelled.status, cancelled.body.data.state], [200, 'cancelled']);
    const work = path.join(folder('disk'), '.transcoding', String(id));
    assert.deepEqual([await isThere(work), await ffmpegsWith(work)], [false, []]);
    const vod = (await daemon.api.get(`/apps/disk/vods/${id}`)).body;
    assert.deepEqual([vod.status, vod.transcoding.state, vod.variants], ['ready', 'cancelled', []]);

    assert.equal((await daemon.api.post(`/jobs/${job.id}/retry`)).status, 200);
    await until('it encodes again', running);
    assert.equal((await daemon.api.delete(`/apps/disk/vods/${id}`)).status, 204);
    assert.equal((await daemon.api.get(`/jobs/${job.id}`)).body.data.state, 'cancelled');
    assert.deepEqual([await isThere(work), await ffmpegsWith(work)], [false, []]);
    assert.equal((await daemon.api.post(`/jobs/${job.id}/retry`)).body.code, 'VOD_NOT_FOUND');
    assert.equal((await daemon.api.post('/apps/vp8/vods/1/transcode')).status, 404);
  });
});

const isEvent = (name: string) => (received: { body: any }) => received.body.event === name;

async function filesBelow(root: string): Promise<string[]> {
  const found = await readdir(root, { recursive: true, withFileTypes: true });
  return found.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

/** Command lines of running processes that name a folder. */
async function ffmpegsWith(work: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (line.includes(work)) found.push(line);
  }
  return found;
}
