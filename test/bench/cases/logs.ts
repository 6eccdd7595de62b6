import path from 'node:path';
import { LogRepository } from '#daemon/platform/logs/repository.ts';
import type { StoredLog } from '#daemon/platform/logs/rows.ts';
import type { BenchCase, Figure } from '../harness.ts';

const ROWS = 1_000_000;
const APPS = 20;
const SEARCHES = 300;

const TEXTS = [
  (i: number) => `Config reloaded from disk in ${i % 97} ms`,
  (i: number) => `Room live-${i % 5000} created on node edge-${i % 40}`,
  (i: number) => `Participant user-${i} joined room live-${i % 5000}`,
  (i: number) => `Webhook delivery ${i.toString(16).padStart(8, '0')} failed: connect timeout after 10 s`,
  (i: number) => `S3 upload of recordings/live-${i % 5000}-${i}.mp4 finished, ${i * 37} bytes`,
  (i: number) => `Request GET /api/v1/apps/app-${i % 20}/streams answered 200 in ${i % 300} ms`,
];
const COMMON = ['failed', 'room live-', 'timeout', 'finished', 'in', 'answered 200', 'joined ro'];
const RARE = ['edge-7', 'live-77', 'E12', 'user-4711', 'hang up 00', 'mp4 finished 3700'];
const ABSENT = ['nothing', 'failed to answer', 'ENOENT', 'timeout after 11', 'room dead-7'];

/** Spreads the rows over ids as random ones are. */
const hex = (i: number): string => (Math.imul(i, 2_654_435_761) >>> 0).toString(16).padStart(8, '0');
const requestId = (i: number): string => `${hex(i)}-${hex(i + 7)}`;

/** Levels as a busy server has them; one app writes a third of everything. */
function row(i: number, appIds: number[]): StoredLog {
  const dice = (i * 2_654_435_761) % 100;
  const who = (i * 40_503) % 100;
  return {
    ts: Date.UTC(2026, 0, 1) + i * 500,
    level: dice < 70 ? 30 : dice < 80 ? 20 : dice < 92 ? 40 : 50,
    source: ['http', 'apps', 'livekit', 'jobs'][i % 4] as string,
    appId: who < 33 ? (appIds[0] as number) : who < 40 ? null : (appIds[1 + (who % (APPS - 1))] as number),
    message: (TEXTS[(i * 31) % TEXTS.length] as (i: number) => string)(i),
    metaJson: JSON.stringify({
      reqId: requestId(i),
      ms: i % 99,
      ...(dice >= 92
        ? {
            err: {
              type: 'Error',
              message: 'fetch failed',
              cause: { message: `socket hang up ${hex(i * 3)}`, code: `E${i % 5000}` },
            },
          }
        : {}),
    }),
  };
}

const bench: BenchCase = {
  name: 'logs',
  async run({ daemon }) {
    const first = await daemon();
    for (let i = 1; i < APPS; i += 1) await first.api.post('/apps', { name: `app-${i}` });
    const apps = (await first.api.get<{ id: number; name: string }[]>('/apps')).body;
    await first.stop();
    const begin = performance.now();
    const table = LogRepository.open(path.join(first.dataDir, 'logs', 'server-logs.db'));
    const ids = apps.map(({ id }) => id);
    for (let i = 0; i < ROWS; ) table.insert(Array.from({ length: 500 }, () => row(i++, ids)));
    table.close();
    const inserted = (ROWS / (performance.now() - begin)) * 1000;

    const { url, token, api, rss } = await daemon({ DATA_DIR: first.dataDir, LOG_RETENTION_DAYS: '0' });
    await api.get('/logs?limit=1');
    const headers = { authorization: `Bearer ${token}` };
    const search = async (query: string, path = '/logs'): Promise<number> => {
      const start = performance.now();
      const response = await fetch(`${url}/api/v1${path}?limit=100&${query}`, { headers });
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`${path}?${query} answers ${response.status}`);
      return performance.now() - start;
    };
    const p99 = async (queryOf: (i: number) => string, path?: string): Promise<number> => {
      const times: number[] = [];
      for (let i = 0; i < SEARCHES; i += 1) times.push(await search(queryOf(i), path));
      return times.sort((a, b) => a - b)[Math.floor(0.99 * SEARCHES)] as number;
    };
    const level = (i: number): string => ['info', 'warn', 'error', 'debug'][i % 4] as string;
    const filtered = (words: readonly string[]) => (i: number) =>
      `app=${apps[i % APPS]?.name}&level=${level(i)}&q=${encodeURIComponent(words[i % words.length] as string)}`;
    const largest = (words: readonly string[]) => (i: number) =>
      `app=${apps[0]?.name}&level=info&q=${encodeURIComponent(words[i % words.length] as string)}`;
    const figures: Figure[] = [{ what: `rows written to the table, batches of 500`, value: inserted, unit: '/s' }];
    for (const [kind, words] of Object.entries({ common: COMMON, rare: RARE, absent: ABSENT })) {
      figures.push(
        {
          what: `GET /logs by app, level and ${kind} words, p99`,
          value: await p99(filtered(words)),
          unit: 'ms',
          target: 50,
        },
        {
          what: `the same in the app and level with a quarter of all rows`,
          value: await p99(largest(words)),
          unit: 'ms',
          target: 50,
        },
      );
    }
    figures.push(
      {
        what: 'GET /logs by app and an id in the fields, p99',
        value: await p99((i) => `app=${apps[i % APPS]?.name}&q=${requestId(i * 3331)}`),
        unit: 'ms',
        target: 50,
      },
      { what: 'GET /logs without a filter, p99', value: await p99(() => 'order=desc'), unit: 'ms', target: 50 },
      { what: 'GET /logs by a beginning that every row has, p99', value: await p99(() => 'q=reqI'), unit: 'ms' },
      { what: 'GET /logs by words alone, p99', value: await p99((i) => `q=user-${i * 31}`), unit: 'ms', target: 50 },
      {
        what: 'GET /logs/histogram of a day, by words, p99',
        value: await p99(() => 'q=failed&since=2026-01-03&until=2026-01-03', '/logs/histogram'),
        unit: 'ms',
      },
      { what: 'resident memory after it', value: rss(), unit: 'MB', target: 220 },
    );
    return figures;
  },
};
export default bench;
