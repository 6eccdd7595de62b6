import assert from 'node:assert/strict';
import { copyFile, mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type DaemonProcess, daemonProcess, temporaryDir } from '#test/helpers/daemon.ts';
import { makeFilm } from '#test/helpers/films.ts';
import { playlistOf, recordFilm, untilTranscoded, wantLadder } from '#test/helpers/ladders.ts';
import { LIVEKIT_KEYS } from '#test/helpers/livekit-webhook.ts';
import { withoutLongTests } from '#test/helpers/long-tests.ts';
import { until } from '#test/helpers/until.ts';

// one thread, so that a kill comes before the end
const ENV = { ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9', TRANSCODING_NICE: '0', TRANSCODING_THREADS: '1' };
const SECONDS = 60;

/** Processes that work in a folder. */
async function workersIn(folder: string): Promise<number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (line.includes(folder)) found.push(Number(pid));
  }
  return found;
}

async function prepare(t: TestContext) {
  const dir = await temporaryDir(t);
  const daemon = await daemonProcess(t, dir, ENV);
  await wantLadder(daemon.api, 'live', { vodRenditions: [240, 144] });
  const film = await makeFilm(dir, 'film.mp4', { width: 426, height: 240, seconds: SECONDS });
  const file = path.join(dir, 'apps/live/recordings/film.mp4');
  await mkdir(path.dirname(file), { recursive: true });
  await copyFile(film, file);
  const { id } = await recordFilm(daemon, 'live', { file });
  return { dir, daemon, id, work: path.join(dir, 'apps/live/.transcoding', String(id)) };
}

const encoding = (daemon: DaemonProcess, id: number, seconds: number) =>
  until(
    `${seconds} s are encoded`,
    async () => {
      const { transcoding } = (await daemon.api.get(`/apps/live/vods/${id}`)).body;
      if (!transcoding?.jobId) return undefined;
      const job = (await daemon.api.get(`/jobs/${transcoding.jobId}`)).body.data;
      assert.notEqual(job.state, 'succeeded', 'the kill must come first');
      return job.progress?.phase === 'encode' && job.progress.done >= seconds ? job : undefined;
    },
    { seconds: 150 },
  );

test('SIGKILL while it encodes: ffmpeg ends too, and the next start continues at the first missing segment', {
  skip: withoutLongTests,
}, async (t) => {
  const { dir, daemon, id, work } = await prepare(t);
  const job = await encoding(daemon, id, 8);
  assert.notDeepEqual(await workersIn(work), []);
  await daemon.end('SIGKILL');
  await until('ffmpeg has ended', async () => (await workersIn(work)).length === 0);
  const made = (await readdir(path.join(work, 'out/hls/240p'))).length;
  assert.ok(made >= 2, `${made} segments`);

  const next = await daemonProcess(t, dir, ENV);
  const vod = await untilTranscoded(next.api, 'live', id);
  assert.deepEqual([vod.transcoding.state, vod.transcoding.jobId], ['ready', job.id], JSON.stringify(vod.transcoding));
  const { data: jobs } = (await next.api.get('/jobs?kind=vod-transcode')).body;
  assert.deepEqual([jobs.length, jobs[0].attempts], [1, 1], 'a continuation is no new attempt, and no second job');
  assert.deepEqual(
    vod.variants.map(({ kind, height }: any) => [kind, height]),
    [
      ['master', null],
      ['rendition', 240],
      ['rendition', 144],
    ],
  );
  const joints: number[] = [];
  for (const link of (await playlistOf(vod.hlsUrl)).links) {
    const { lines, links } = await playlistOf(link);
    assert.equal(links.length, SECONDS / 2, 'each segment is there once');
    const lengths = lines.flatMap((line) => /^#EXTINF:([\d.]+)/.exec(line)?.[1] ?? []).map(Number);
    assert.ok(Math.abs(lengths.reduce((sum, one) => sum + one, 0) - SECONDS) < 0.2, String(lengths));
    joints.push(lines.slice(0, lines.indexOf('#EXT-X-DISCONTINUITY')).filter((line) => !line.startsWith('#')).length);
  }
  assert.ok(joints[0] !== undefined && joints[0] >= 2 && joints[0] === joints[1], `continued at ${joints}`);
  await until(
    'nothing is left of the work',
    async () => (await workersIn(work)).length === 0 && !(await isThere(work)),
  );
  await next.end();
});

test('SIGTERM while it encodes: it stops soon, and what an app without a job has left is removed', {
  skip: withoutLongTests,
}, async (t) => {
  const { dir, daemon, id, work } = await prepare(t);
  await encoding(daemon, id, 1);
  assert.deepEqual(await daemon.end('SIGTERM'), { code: 0, signal: null });
  assert.deepEqual(await workersIn(work), []);
  await mkdir(path.join(dir, 'apps/live/.transcoding/999'), { recursive: true });
  const next = await daemonProcess(t, dir, ENV);
  await encoding(next, id, 1);
  assert.equal((await next.api.delete(`/apps/live/vods/${id}`)).status, 204);
  assert.deepEqual([await workersIn(work), await isThere(work)], [[], false]);
  await next.end();
  const last = await daemonProcess(t, dir, ENV);
  await until('the rest is removed', async () => !(await isThere(path.join(dir, 'apps/live/.transcoding'))));
  await last.end();
});

const isThere = (folder: string): Promise<boolean> =>
  readdir(folder).then(
    () => true,
    () => false,
  );
