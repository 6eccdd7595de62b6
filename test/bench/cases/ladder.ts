import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { ladderArgs, namedRungs, probeArgs } from '#daemon/media/transcoding/ffmpeg-args.ts';
import { readProbe, type SourceFacts } from '#daemon/media/transcoding/source.ts';
import { rungOf } from '#shared/delivery/ladder.ts';
import { makeFilm } from '#test/helpers/films.ts';
import { recordFilm, untilTranscoded, wantLadder } from '#test/helpers/ladders.ts';
import { LIVEKIT_KEYS } from '#test/helpers/livekit-webhook.ts';
import type { BenchCase } from '../harness.ts';
import { startProbe } from '../probe.ts';

const run = promisify(execFile);
const SECONDS = Number(process.env['BENCH_FILM_SECONDS'] ?? 30);
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3);
/** On a busy machine, 0 gives figures in finite time. */
const NICE = process.env['BENCH_NICE'] ?? '10';
const HEIGHTS = [720, 480, 360];

/** Seconds that ffmpeg alone takes for the same work, at the same priority. */
async function plain(dir: string, film: string): Promise<number> {
  const source = readProbe((await run('ffprobe', probeArgs('mov', film))).stdout) as SourceFacts;
  const rungs = namedRungs(HEIGHTS.map((height) => rungOf(height)));
  for (const { name } of rungs) await mkdir(path.join(dir, name), { recursive: true });
  const args = ladderArgs({
    demuxer: 'mov',
    input: film,
    source,
    rungs,
    segmentSeconds: 2,
    encoder: 'none',
    threads: 0,
    from: 0,
    folder: dir,
    playlistOf: (name) => path.join(dir, `${name}.m3u8`),
  });
  const began = performance.now();
  await run('nice', ['-n', NICE, 'ffmpeg', ...args], { maxBuffer: 100_000_000 });
  return (performance.now() - began) / 1000;
}

const ladder: BenchCase = {
  name: 'ladder',
  async run(bench) {
    const dir = await mkdtemp(path.join(os.tmpdir(), 'streamhub-ladder-'));
    try {
      const film = await makeFilm(dir, 'film.mp4', { width: 1280, height: 720, seconds: SECONDS });
      const daemon = await bench.daemon({ ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9', TRANSCODING_NICE: NICE });
      await wantLadder(daemon.api, 'live', { vodRenditions: HEIGHTS });
      const ratios: number[] = [];
      const times: number[] = [];
      let rate = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const alone = await plain(path.join(dir, `plain-${round}`), film);
        const file = path.join(daemon.dataDir, `apps/live/recordings/film-${round}.mp4`);
        await mkdir(path.dirname(file), { recursive: true });
        await copyFile(film, file);
        const probe = startProbe(`${daemon.url}/api/v1/health`);
        const { id } = await recordFilm(daemon, 'live', { file });
        const { transcoding } = await untilTranscoded(daemon.api, 'live', id);
        times.push(...(await probe.stop()));
        const job = (await daemon.api.get(`/jobs/${transcoding.jobId}`)).body.data;
        if (transcoding.state !== 'ready') throw new Error(transcoding.problem);
        // the whole job: its own probing, playlists and the move of the files included
        const took = (Date.parse(job.updatedAt) - Date.parse(job.startedAt)) / 1000;
        ratios.push(alone / took);
        rate = SECONDS / took;
      }
      times.sort((a, b) => a - b);
      return [
        {
          what: `speed of a ladder of ${HEIGHTS.length} qualities, against ffmpeg alone`,
          value: ratios.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Number.NaN,
          unit: '× ffmpeg',
          target: 0.9,
        },
        { what: 'the same in real time', value: rate, unit: '×' },
        {
          what: 'p99 of /health meanwhile',
          value: times[Math.floor(times.length * 0.99)] ?? Number.NaN,
          unit: 'ms',
          target: 20,
        },
      ];
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  },
};

export default ladder;
