import http from 'node:http';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { LIVEKIT_KEYS, signWebhook } from '#test/helpers/livekit-webhook.ts';
import type { BenchCase, Figure } from '../harness.ts';
import { startProbe } from '../probe.ts';

const RATE = 1000;
const SECONDS = 15;
const SESSIONS = 50_000;
const PEOPLE_EACH = 20;
const SEARCHES = 300;
const ENV = { ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9' };

const p99 = (times: number[]): number => times.sort((a, b) => a - b)[Math.floor(0.99 * times.length)] as number;

/** Viewers of twenty rooms who come and go, as LiveKit tells it. */
async function events(): Promise<{ body: string; authorization: string }[]> {
  const at = Math.floor(Date.now() / 1000);
  const told: { body: string; authorization: string }[] = [];
  for (let i = 0; i < RATE * SECONDS; i += 1) {
    const viewer = Math.floor(i / 2);
    const name = i % 2 === 0 ? 'participant_joined' : 'participant_left';
    const room = viewer % 20;
    const body = JSON.stringify({
      event: name,
      id: `EV_bench_${i}`,
      createdAt: String(at),
      room: { name: `live-hall-${room}`, sid: `RM_bench_${room}`, creationTimeMs: String(at * 1000) },
      participant: {
        sid: `PA_bench_${viewer}`,
        identity: `viewer-${viewer}`,
        joinedAtMs: String(at * 1000),
        ...(i % 2 === 0 ? {} : { disconnectReason: 'CLIENT_INITIATED' }),
      },
    });
    told.push({ body, authorization: await signWebhook(body, undefined, undefined, '1h') });
  }
  return told;
}

const bench: BenchCase = {
  name: 'sessions',
  async run({ daemon }) {
    const first = await daemon(ENV);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
    const headers = { 'content-type': 'application/webhook+json' };
    const taken: number[] = [];
    const failed: number[] = [];
    const send = ({ body, authorization }: { body: string; authorization: string }): Promise<void> =>
      new Promise((resolve, reject) => {
        const start = performance.now();
        const request = http.request(
          `${first.url}/api/v1/webhooks/livekit`,
          { method: 'POST', agent, headers: { ...headers, authorization, 'content-length': Buffer.byteLength(body) } },
          (response) => {
            response.resume();
            response.on('end', () => {
              taken.push(performance.now() - start);
              if (response.statusCode !== 200) failed.push(response.statusCode ?? 0);
              resolve();
            });
          },
        );
        request.on('error', reject);
        request.end(body);
      });
    const told = await events();
    for (const one of told.slice(0, 200)) await send(one);
    taken.length = 0;
    const probe = startProbe(`${first.url}/api/v1/apps/live`, { authorization: `Bearer ${first.token}` });
    const begin = performance.now();
    const sent: Promise<void>[] = [];
    for (let next = 200; next < told.length; ) {
      const due = Math.min(told.length, 200 + Math.floor(((performance.now() - begin) / 1000) * RATE));
      for (; next < due; next += 1) sent.push(send(told[next] as (typeof told)[number]));
      await wait(2);
    }
    await Promise.all(sent);
    const rate = ((told.length - 200) / (performance.now() - begin)) * 1000;
    const asked = await probe.stop();
    agent.destroy();
    const { body } = await first.api.get<{ data: { connections: number }[] }>('/apps/live/sessions?limit=1000');
    const stored = body.data.reduce((sum, session) => sum + session.connections, 0);
    if (stored !== told.length / 2 || failed.length > 0)
      throw new Error(`${stored} of ${told.length / 2} connections are stored, ${failed.length} events were refused`);
    const figures: Figure[] = [
      { what: 'webhooks of viewers, each stored before its answer', value: rate, unit: '/s', target: RATE * 0.95 },
      { what: 'GET /apps/live meanwhile, p99', value: p99(asked), unit: 'ms', target: 20 },
      { what: 'answer to a webhook meanwhile, p99', value: p99(taken), unit: 'ms' },
    ];

    await first.stop();
    fill(path.join(first.dataDir, 'apps/live/app.db'));
    const second = await daemon({ ...ENV, DATA_DIR: first.dataDir });
    const list = async (query: (i: number) => string, base = '/apps/live/sessions'): Promise<number> => {
      const times: number[] = [];
      await second.api.get(`${base}?${query(0)}`);
      for (let i = 0; i < SEARCHES; i += 1) {
        const start = performance.now();
        const response = await fetch(`${second.url}/api/v1${base}?limit=100&${query(i)}`, {
          headers: { authorization: `Bearer ${second.token}` },
        });
        await response.arrayBuffer();
        if (!response.ok) throw new Error(`${base}?${query(i)} answers ${response.status}`);
        times.push(performance.now() - start);
      }
      return p99(times);
    };
    const target = 50;
    const what = `of ${(SESSIONS * PEOPLE_EACH) / 1e6} million participants`;
    for (const [name, query] of [
      ['', () => ''],
      ['by room', (i: number) => `room=live-room-${i % 500}`],
      ['by identity', (i: number) => `identity=user-${i * 311}`],
      ['by beginning of a room', (i: number) => `q=live-room-${i % 50}`],
      ['by beginning of an identity', (i: number) => `q=user-${i * 31}`],
      ['with errors', () => 'errors=true'],
      ['in a week', (i: number) => `since=${day(i % 20)}&until=${day((i % 20) + 7)}`],
      ['far down', (i: number) => `offset=${i * 100}`],
    ] as const)
      figures.push({
        what: `sessions ${what} ${name}, p99`.replace('  ', ' '),
        value: await list(query),
        unit: 'ms',
        target,
      });
    figures.push(
      { what: `GET /sessions ${what}, p99`, value: await list(() => '', '/sessions'), unit: 'ms', target },
      {
        what: 'a person in all of them, p99',
        value: await list((i) => `identity=user-${i}`, '/apps/live/sessions/people'),
        unit: 'ms',
        target,
      },
      { what: 'resident memory after it', value: second.rss(), unit: 'MB', target: 220 },
    );
    const start = performance.now();
    await second.api.get('/sessions/figures');
    figures.push({ what: 'figures of 14 days, read anew', value: performance.now() - start, unit: 'ms' });
    return figures;
  },
};
export default bench;

const day = (ago: number): string => new Date(Date.now() - (30 - ago) * 86_400_000).toISOString();

/** A month of sessions, written past the daemon. */
function fill(file: string): void {
  const db = new Database(file);
  db.pragma('synchronous = OFF');
  const session = db.prepare(
    `INSERT INTO room_sessions (id, sid, room, started_at, is_start_known, ended_at, stays, participants, publishers, closed_ms, peak, errors)
     VALUES (?, ?, ?, ?, 1, ?, ?, ?, 2, ?, 8, ?)`,
  );
  const stay = db.prepare(
    `INSERT INTO room_stays (sid, session_id, identity, is_hidden, is_counted, has_published, joined_at, left_at, reason)
     VALUES (?, ?, ?, 0, 1, 0, ?, ?, 1)`,
  );
  const begin = Date.now() - 30 * 86_400_000;
  const step = (30 * 86_400_000) / SESSIONS;
  db.transaction(() => {
    for (let i = 0; i < SESSIONS; i += 1) {
      const at = Math.floor(begin + i * step);
      const id = 1000 + i;
      session.run(
        id,
        `RM_${i}`,
        `live-room-${i % 500}`,
        at,
        at + 3_600_000,
        PEOPLE_EACH,
        PEOPLE_EACH,
        PEOPLE_EACH * 1_800_000,
        i % 9 === 0 ? 1 : 0,
      );
      for (let n = 0; n < PEOPLE_EACH; n += 1)
        stay.run(`PA_${i}_${n}`, id, `user-${(i * 7919 + n * 104_729) % 100_000}`, at + n * 1000, at + 1_800_000);
    }
  })();
  db.close();
}
