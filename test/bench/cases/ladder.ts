import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
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
const SECONDS = Number(process.env['BENCH_FILM_SECONDS'] ?? 60);
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3);
/** On a busy machine, 0 gives figures in finite time. */
const NICE = process.env['BENCH_NICE'] ?? '10';
const HEIGHTS = [720, 480, 360];

/** Processor seconds of the programs that a process started and that have ended. */
function childSeconds(pid: number | 'self'): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  // cutime and cstime in ticks of 10 ms: proc_pid_stat(5)
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

/** ffmpeg alone with the same work: the same arguments, priority and outputs. */
async function plain(dir: string, film: string): Promise<void> {
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
  await run('nice', ['-n', NICE, 'ffmpeg', ...args], { maxBuffer: 100_000_000 });
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const ladder: BenchCase = {
  name: 'ladder',
  async run(bench) {
    const dir = await mkdtemp(path.join(os.tmpdir(), 'streamhub-ladder-'));
    try {
      const film = await makeFilm(dir, 'film.mp4', { width: 1280, height: 720, seconds: 10, times: SECONDS / 10 });
      const daemon = await bench.daemon({ ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9', TRANSCODING_NICE: NICE });
      await wantLadder(daemon.api, 'live', { vodRenditions: HEIGHTS });
      const ratios: number[] = [];
      const processor: number[] = [];
      const times: number[] = [];
      let rate = 0;
      for (let round = 0; round < ROUNDS; round++) {
        // somebody uses the API in both cases, and takes the same part of the machine
        const asked = startProbe(`${daemon.url}/api/v1/health`);
        const [began, usedBefore] = [performance.now(), childSeconds('self')];
        await plain(path.join(dir, `plain-${round}`), film);
        const alone = (performance.now() - began) / 1000;
        const usedAlone = childSeconds('self') - usedBefore;
        await asked.stop();
        const file = path.join(daemon.dataDir, `apps/live/recordings/film-${round}.mp4`);
        await mkdir(path.dirname(file), { recursive: true });
        await copyFile(film, file);
        const probe = startProbe(`${daemon.url}/api/v1/health`);
        const usedByJobs = childSeconds(daemon.pid);
        const { id } = await recordFilm(daemon, 'live', { file });
        const { transcoding } = await untilTranscoded(daemon.api, 'live', id);
        times.push(...(await probe.stop()));
        const job = (await daemon.api.get(`/jobs/${transcoding.jobId}`)).body.data;
        if (transcoding.state !== 'ready') throw new Error(transcoding.problem);
        // the whole job: its own probing, playlists and the move of the files included
        const took = (Date.parse(job.updatedAt) - Date.parse(job.startedAt)) / 1000;
        ratios.push(alone / took);
        processor.push(usedAlone / (childSeconds(daemon.pid) - usedByJobs));
        rate = SECONDS / took;
      }
      times.sort((a, b) => a - b);
      return [
        {
          what: `speed of a ladder of ${HEIGHTS.length} qualities, against ffmpeg alone`,
          value: median(ratios),
          unit: '× ffmpeg',
          target: 0.9,
        },
        { what: 'processor time of ffmpeg alone, of that of the job', value: median(processor), unit: '× ffmpeg' },
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
