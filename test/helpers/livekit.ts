import { execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { AccessToken, RoomServiceClient } from 'livekit-server-sdk';
import { until } from '#test/helpers/until.ts';
import { reasonOf, startScript } from './server-scripts.ts';

const run = promisify(execFile);
const SCRIPT = path.join(import.meta.dirname, '..', 'servers', 'livekit');

/** A real LiveKit server on loopback, with a separate Redis or one that it joined. */
export interface LivekitServer {
  dir: string;
  url: string;
  apiKey: string;
  apiSecret: string;
  redisUrl: string;
  metricsUrl: string;
  /** Settings of a daemon that works with this server. */
  env: Record<string, string>;
  rooms: RoomServiceClient;
  /** A token that lets an identity join a room. */
  token(room: string, identity: string): Promise<string>;
  /** Process ids, for tests that signal or kill. */
  pid(): number;
  redisPid(): number;
  /** Ends it (and its Redis), keeping keys and ports, and brings it back at the same address. */
  pause(options?: { kill?: boolean }): Promise<void>;
  resume(): Promise<void>;
  /** kill -9 of the server alone, while its Redis stays, and back at the same address. */
  restartKilled(): Promise<void>;
  /** The same of its Redis alone; rooms are forgotten with it. */
  pauseRedis(): void;
  resumeRedis(): void;
  stop(): Promise<void>;
}

export interface LivekitOptions {
  webhooks?: readonly string[];
  /** Its webhooks go to the daemon that is started with its `env`. */
  tellsDaemon?: boolean;
  /** Becomes a further node of this server's cluster. */
  join?: LivekitServer;
}

/** Starts a server, or says in a string why none can be had on this machine. It stops with the test. */
export function startLivekit(
  t: { after(fn: () => unknown): void },
  options: LivekitOptions = {},
): LivekitServer | string {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'streamhub-livekit-'));
  const hookOf = (port = '0') => `http://127.0.0.1:${port}/api/v1/webhooks/livekit`;
  const argsOf = (port: string, webhooks: readonly string[] = []) => [
    ...['start', dir, port],
    ...webhooks.flatMap((url) => ['--webhook', url]),
    ...(options.join ? ['--join', options.join.dir] : []),
  ];
  const halt = (kill = false) => run(SCRIPT, ['stop', dir, ...(kill ? ['--now'] : [])], { timeout: 60_000 });
  let values: Record<string, string>;
  try {
    values = startScript(SCRIPT, argsOf('0', options.tellsDaemon ? [hookOf()] : options.webhooks));
  } catch (error) {
    spawnSync(SCRIPT, ['stop', dir, '--now']);
    rmSync(dir, { recursive: true, force: true });
    return `no LiveKit server can be started here: ${reasonOf(error)}`;
  }
  const port = values['WEBHOOK_PORT'];
  const url = values['LIVEKIT_URL'] ?? '';
  const apiKey = values['LIVEKIT_API_KEY'] ?? '';
  const apiSecret = values['LIVEKIT_API_SECRET'] ?? '';
  const stop = async () => {
    await halt(true).catch(() => undefined);
    rmSync(dir, { recursive: true, force: true });
  };
  t.after(stop);
  const pidOf = (name: string) => Number(readFileSync(path.join(dir, `${name}.pid`), 'utf8'));
  return {
    dir,
    url,
    apiKey,
    apiSecret,
    redisUrl: values['REDIS_URL'] ?? '',
    metricsUrl: values['LIVEKIT_METRICS_URL'] ?? '',
    env: {
      LIVEKIT_URL: url,
      LIVEKIT_API_KEY: apiKey,
      LIVEKIT_API_SECRET: apiSecret,
      REDIS_URL: values['REDIS_URL'] ?? '',
      ...(port === undefined ? {} : { PORT: port }),
    },
    rooms: new RoomServiceClient(url.replace(/^ws/, 'http'), apiKey, apiSecret),
    async token(room, identity) {
      const token = new AccessToken(apiKey, apiSecret, { identity });
      token.addGrant({ roomJoin: true, room });
      return token.toJwt();
    },
    pid: () => pidOf('livekit'),
    redisPid: () => pidOf('redis'),
    async pause({ kill = false } = {}) {
      await halt(kill);
    },
    async resume() {
      const webhooks = port === undefined ? options.webhooks : [hookOf(port)];
      await run(SCRIPT, argsOf(new URL(url).port, webhooks), { timeout: 600_000 });
    },
    async restartKilled() {
      const pid = pidOf('livekit');
      process.kill(pid, 'SIGKILL');
      await until('the server is gone', () => !isAlive(pid));
      const child = spawn(await livekitBinary(), ['--config', path.join(dir, 'livekit.yaml')], {
        stdio: 'ignore',
        detached: true,
      });
      child.unref();
      writeFileSync(path.join(dir, 'livekit.pid'), `${child.pid}\n`);
      await until('the server answers', () =>
        fetch(url.replace(/^ws/, 'http')).then(
          ({ ok }) => ok,
          () => false,
        ),
      );
    },
    pauseRedis: () => void process.kill(pidOf('redis'), 'SIGKILL'),
    resumeRedis() {
      const port = new URL(values['REDIS_URL'] ?? '').port;
      const flags = ['--bind', '127.0.0.1', '--port', port, '--dir', dir, '--save', '', '--appendonly', 'no'];
      const child = spawn('redis-server', flags, { stdio: 'ignore', detached: true });
      child.unref();
      // where the script finds it when it stops the server
      writeFileSync(path.join(dir, 'redis.pid'), `${child.pid}\n`);
    },
    stop,
  };
}

/** Compares the daemon's rows with LiveKit until it is done: a server shows a new track, or a gap, in its own time. */
export async function reconcileUntil(
  { services }: { services: { reconciler: { run(isFull?: boolean): Promise<void> } } },
  isDone: () => boolean,
  isFull = true,
): Promise<void> {
  if (isDone()) return;
  await until(
    'the rows are as LiveKit says',
    async () => {
      await services.reconciler.run(isFull);
      return isDone();
    },
    { every: 100 },
  );
}

/** Path of the server's binary, built once where needed; or why there is none, as text that begins with "no ". */
export async function livekitBinary(): Promise<string> {
  try {
    return (await run(SCRIPT, ['build'], { timeout: 600_000 })).stdout.trim();
  } catch (error) {
    return `no LiveKit server can be had here: ${reasonOf(error)}`;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
