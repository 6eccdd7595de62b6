import { setTimeout as wait } from 'node:timers/promises';
import { giveBucket } from '#test/helpers/bucket.ts';
import { addVods, type SampleVod } from '#test/helpers/recordings.ts';
import { startS3Server } from '#test/helpers/s3-server.ts';
import type { BenchCase, Figure } from '../harness.ts';
import { startProbe } from '../probe.ts';

/** Objects named by rows. Most were never stored: deleting those asks as much of the daemon, and spares ten minutes of storing. */
const OBJECTS = Number(process.env['BENCH_OBJECTS'] ?? 100_000);
const STORED = 2000;
const VODS = 1000;

const purge: BenchCase = {
  name: 'purge',
  async run(bench) {
    const s3 = startS3Server();
    if (typeof s3 === 'string') throw new Error(s3);
    try {
      const daemon = await bench.daemon();
      const { api } = daemon;
      const bucket = await giveBucket(api, 'live', s3);
      const perVod = OBJECTS / VODS - 1;
      const vods = Array.from({ length: VODS }, (_, n): SampleVod => {
        const base = `streamhub/live/${n}`;
        return {
          key: `${base}.mp4`,
          variants: [{ segments: Array.from({ length: perVod }, (_, s) => `${base}/${s}.ts`) }],
        };
      });
      addVods(daemon.dataDir, 'live', vods);
      await s3.put(bucket, vods.flatMap((vod) => vod.variants?.[0]?.segments ?? []).slice(0, STORED));
      const yaml = (await api.get('/apps/live/config/raw')).body.data.yaml as string;
      const long = yaml + `# ${'x'.repeat(97)}\n`.repeat(Math.floor((99_000 - yaml.length) / 100));
      await expect(api.post('/apps/live/config/raw/validate', { yaml: long }), 200);
      const idle = daemon.rss();

      const started = performance.now();
      const { data: job } = (await expect(
        api.delete('/apps/live?deleteVods=true', { prefer: 'respond-async' }),
        202,
      )) as { data: { id: number } };
      let isRunning = true;
      const validating = (async () => {
        while (isRunning) await api.post('/apps/live/config/raw/validate', { yaml: long });
      })();
      let peak = idle;
      const probe = startProbe(`${daemon.url}/api/v1/health`);
      while (isRunning) {
        await wait(50);
        peak = Math.max(peak, daemon.rss());
        const { state, error } = (await api.get(`/jobs/${job.id}`)).body.data;
        if (state === 'failed' || state === 'waiting') throw new Error(error.message);
        isRunning = state !== 'succeeded';
      }
      const seconds = (performance.now() - started) / 1000;
      const times = await probe.stop();
      await validating;
      const figures: Figure[] = [
        { what: `objects deleted a second, of ${OBJECTS}`, value: OBJECTS / seconds, unit: '/s' },
        {
          what: 'p99 of /health meanwhile, with configs being validated',
          value: times[Math.floor(times.length * 0.99)] ?? Number.NaN,
          unit: 'ms',
          target: 20,
        },
        { what: 'resident memory before', value: idle, unit: 'MB' },
        { what: 'resident memory at most', value: peak, unit: 'MB', target: 220 },
      ];
      return figures;
    } finally {
      await s3.stop();
    }
  },
};
export default purge;

async function expect(
  answer: Promise<{ status: number; text: string; body: unknown }>,
  status: number,
): Promise<unknown> {
  const got = await answer;
  if (got.status !== status) throw new Error(`${got.status}: ${got.text.slice(0, 300)}`);
  return got.body;
}
