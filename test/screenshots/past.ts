import path from 'node:path';
import Database from 'better-sqlite3';
import { LogRepository } from '#daemon/platform/logs/repository.ts';
import type { StoredLog } from '#daemon/platform/logs/rows.ts';
import { NODE_STALE_SECONDS } from '#shared/limits.ts';
import { nodeHistory } from '#test/helpers/node-history.ts';

/** A past that a daemon would have lived through, written into its files while it is stopped: its times cannot be had through the API. */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The same numbers with every run, so that two runs can be compared. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

const iso = (at: number): string => new Date(at).toISOString();
const LEVELS = { debug: 20, info: 30, warn: 40, error: 50 } as const;

type Line = readonly [level: keyof typeof LEVELS, source: string, message: string, meta?: Record<string, unknown>];
const LINES: readonly Line[] = [
  ['info', 'streams', 'stream started', { identity: 'camera-2', type: 'webrtc' }],
  ['info', 'streams', 'stream ended', { identity: 'camera-2', seconds: 5412 }],
  ['info', 'recording', 'recording ready', { bytes: 734_003_200, seconds: 3600 }],
  ['info', 'callbacks', 'delivered', { event: 'vod.ready', status: 200, ms: 84 }],
  ['info', 'http', 'request', { method: 'GET', route: '/api/v1/apps', status: 200, ms: 3 }],
  ['info', 'cluster', 'a node reports again', { node: 'edge-fra-2' }],
  ['info', 'config', 'config changed', { keys: ['recording.auto', 'webrtc.max_bitrate_kbps'] }],
  ['warn', 'callbacks', 'the receiver answered 503; tried again in 8 s', { event: 'stream.started', attempt: 3 }],
  ['warn', 'storage', 'the bucket answered slowly', { bucket: 'media-eu', ms: 4210 }],
  ['warn', 'cluster', `no heartbeat for ${NODE_STALE_SECONDS} s`, { node: 'edge-sgp-1' }],
  [
    'error',
    'storage',
    'the bucket refused the object',
    { bucket: 'media-eu', code: 'AccessDenied', key: 'live/2026/stage-a-0412.mp4' },
  ],
  ['error', 'recording', 'the recording could not be uploaded', { egress: 'EG_8fK2', code: 'SlowDown' }],
];

/** Log lines of a day: busier by day than by night, with an hour in which something went wrong. */
export function writeLog(dataDir: string, appIds: readonly number[], lines: number): void {
  const random = dice(11);
  const rows: StoredLog[] = [];
  const now = Date.now();
  for (let n = 0; n < lines; n += 1) {
    const at = now - DAY + (n / lines) * (DAY - 90_000);
    const hour = ((now - at) / HOUR) | 0;
    const isTrouble = hour === 5;
    if (random() > 0.55 + 0.45 * Math.sin((at / DAY) * 2 * Math.PI)) continue;
    const pick = isTrouble && random() < 0.45 ? 7 + random() * 5 : random() < 0.05 ? 7 + random() * 5 : random() * 7;
    const [level, source, message, meta] = LINES[Math.floor(pick)] as Line;
    const appId = (random() < 0.8 ? appIds[Math.floor(random() * appIds.length)] : undefined) ?? null;
    rows.push({
      ts: Math.round(at),
      level: LEVELS[level] as number,
      source,
      appId,
      message,
      metaJson: meta ? JSON.stringify(meta) : null,
    });
  }
  const repository = LogRepository.open(path.join(dataDir, 'logs', 'server-logs.db'));
  repository.insert(rows);
  repository.close();
}

const ROOMS = ['stage-a', 'stage-b', 'keynote', 'backstage', 'press-room'];

/** Recordings of some weeks. The first ones have their object in the bucket. */
export function writeRecordings(
  dataDir: string,
  app: string,
  count: number,
  place: { bucket: string; region: string; endpoint: string },
  realKey?: string,
): void {
  const random = dice(app.length * 7 + count);
  const db = new Database(path.join(dataDir, 'apps', app, 'app.db'), { timeout: 5000 });
  const insert = db.prepare(
    `INSERT INTO vods (app_id, room, name, status, started_at, ended_at, size_bytes, duration_s, width, height, format, file_key, error,
       storage_provider, storage_bucket, storage_region, storage_endpoint, storage_force_path_style)
     VALUES (1, @room, @name, @status, @started, @ended, @size, @seconds, @width, @height, 'mp4', @key, @error,
       'minio', @bucket, @region, @endpoint, 1)`,
  );
  const now = Date.now();
  db.transaction(() => {
    for (let n = count - 1; n >= 0; n -= 1) {
      const isFirst = n === 0;
      const started = now - (n * 0.31 + 0.1 + random() * 0.2) * DAY;
      const seconds = Math.round(600 + random() * 6600);
      const room = `${app}-${ROOMS[Math.floor(random() * ROOMS.length)]}`;
      const status = n === 4 ? 'failed' : 'ready';
      const tall = random() < 0.3 ? 720 : 1080;
      insert.run({
        ...place,
        room,
        name: `${room}-${iso(started).slice(0, 16).replace(/[T:]/g, '-')}`,
        status,
        started: iso(started),
        ended: iso(started + seconds * 1000),
        size:
          status === 'failed'
            ? null
            : isFirst && realKey
              ? 184_320
              : Math.round(seconds * (380_000 + random() * 250_000)),
        seconds: status === 'failed' ? null : seconds,
        width: Math.round((tall * 16) / 9),
        height: tall,
        key:
          status === 'failed'
            ? null
            : isFirst && realKey
              ? realKey
              : `${app}/${iso(started).slice(0, 10)}/${room}-${n}.mp4`,
        error: status === 'failed' ? 'Start signal not received' : null,
      });
    }
  })();
  db.close();
}

/** Streams that were live before. */
export function writeEndedStreams(dataDir: string, app: string, count: number): void {
  const random = dice(count);
  const db = new Database(path.join(dataDir, 'apps', app, 'app.db'), { timeout: 5000 });
  const insert = db.prepare(
    `INSERT INTO streams (app_id, stream_id, type, room, participant, status, started_at, ended_at)
     VALUES (1, ?, ?, ?, ?, 'ended', ?, ?)`,
  );
  db.transaction(() => {
    for (let n = count; n > 0; n -= 1) {
      const started = Date.now() - n * 0.4 * DAY;
      const type = random() < 0.7 ? 'webrtc' : 'rtmp';
      const room = `${app}-${ROOMS[Math.floor(random() * ROOMS.length)]}`;
      insert.run(
        `st_${app}_${n}`,
        type,
        room,
        `camera-${1 + (n % 4)}`,
        iso(started),
        iso(started + random() * 4 * HOUR),
      );
    }
  })();
  db.close();
}

/** Spreads what was done in the last minutes over days, and lets a node fall silent. */
export function ageRegistry(dataDir: string, silentNode: string): void {
  const db = new Database(path.join(dataDir, 'data', 'streamhub.db'), { timeout: 5000 });
  const rows = db.prepare('SELECT id FROM audit ORDER BY id DESC').pluck().all() as number[];
  const age = db.prepare('UPDATE audit SET ts = ? WHERE id = ?');
  const random = dice(5);
  db.transaction(() => {
    let at = Date.now() - 4 * 60_000;
    for (const id of rows) {
      age.run(iso(at), id);
      at -= random() * random() * 5 * HOUR;
    }
    const ago = (days: number) => iso(Date.now() - days * DAY);
    db.prepare(
      'UPDATE cluster_heartbeats SET last_seen_at = ? WHERE node_id = (SELECT id FROM cluster_nodes WHERE name = ?)',
    ).run(iso(Date.now() - 4.2 * 60_000), silentNode);
    db.prepare('UPDATE cluster_nodes SET created_at = ?').run(ago(46));
    db.prepare('UPDATE api_tokens SET created_at = ? WHERE id > 1').run(ago(21));
    db.prepare('UPDATE users SET created_at = ?').run(ago(60));
  })();
  db.close();
}

/** A day of load: of the machine, and of each node around its own level, with an hour in which one was silent. */
export function writeHistory(dataDir: string, nodes: readonly { id: string; load: number; rooms: number }[]): void {
  const past = nodeHistory(dataDir);
  const random = dice(23);
  const end = Math.floor(Date.now() / 60_000) - 1;
  for (let ago = 1440; ago >= 0; ago -= 1) {
    const minute = end - ago;
    // quiet at night, busy in the evening
    const day = 0.55 + 0.45 * Math.sin(((minute % 1440) / 1440) * 2 * Math.PI + 2.6) + 0.1 * Math.sin(minute / 17);
    const noise = (): number => 0.92 + random() * 0.16;
    const streams = Math.max(0, Math.round(9 * day * noise()));
    const minutes: Parameters<typeof past.write> = [
      {
        subject: 'server',
        minute,
        cpu: Math.max(0.04, 0.34 * day * noise()),
        memory: 0.31 + 0.06 * day,
        disk: 0.07,
        streams,
        rooms: Math.ceil(streams / 2),
      },
    ];
    nodes.forEach(({ id, load, rooms }, index) => {
      const isGone = index === 4 ? ago < 5 : index === 1 && ago > 20 && ago < 38;
      if (isGone) return;
      const own = Math.max(0.1, day + 0.15 * Math.sin(minute / 29 + index)) * noise();
      // for two hours, viewers of the third node lose packets
      const isBad = index === 2 && ago > 90 && ago < 210;
      minutes.push({
        subject: id,
        minute,
        cpu: Math.min(0.99, load * (0.6 + 0.5 * own)),
        memory: 0.3 + (load / 3) * own,
        rooms: Math.round(rooms * own),
        participants: Math.round(rooms * 9 * own),
        tx: rooms * 2_600_000 * own,
        rx: rooms * 410_000 * own,
        score: isBad ? 2.9 : 4.4 - 0.2 * own,
        lossIn: 0.2 * own,
        lossOut: isBad ? 6.4 * noise() : 0.4 * own,
        lossP95: isBad ? 18 * noise() : 1.4 * own,
        jitter: 5 + 3 * own,
        jitterP95: 11 + 7 * own,
        rtt: 24 + 14 * index * own,
        rttP95: 60 + 30 * index * own,
        nack: (isBad ? 41 : 3) * own,
        pli: 1.4 * own,
        forward: 0.4 + load * own,
      });
    });
    past.write(...minutes);
  }
  past.close();
}
