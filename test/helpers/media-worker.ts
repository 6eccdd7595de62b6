import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { LivekitServer } from '#test/helpers/livekit.ts';
import { reasonOf } from './server-scripts.ts';

const run = promisify(execFile);
const SCRIPT = path.join(import.meta.dirname, '..', 'servers', 'media-worker', 'media-worker');

/** A storage of the service's own, as in the config file of LiveKit's egress. */
interface WorkerStorage {
  prefix?: string;
  generatePresignedUrl?: boolean;
  s3?: { endpoint: string; region: string; bucket: string; accessKey: string; secret: string };
}

export interface MediaWorkerOptions {
  /** How many orders run at a time; more are refused as by a full service. */
  max?: number;
  /** Cores the service believes to have: a room composite takes 4, a participant 2, tracks 1, of 80 %. */
  cpus?: number;
  /** Waits as long as the real services did (a room composite 3 s), else a fifth. */
  realTimes?: boolean;
  storage?: WorkerStorage;
  backup?: WorkerStorage;
}

type EgressFault =
  /** Carries the order out; keeps its place before faults for later orders. */
  | 'none'
  /** Stays STARTING until `release`. */
  | 'hold-start'
  /** "handler failed to start" after `ms` (10 s by default). */
  | 'start-timeout'
  /** FAILED at its start with `error`, 500. */
  | 'pipeline'
  /** The storage answers 403 or 404. */
  | 'upload-refused'
  | 'bucket-missing'
  /** Stays ENDING until `release`; the told duration grows with it. */
  | 'hold-end'
  /** A stop gets no answer: 408 after 3 s. */
  | 'stop-hangs'
  /** Ends by itself after `ms` as LIMIT_REACHED. */
  | 'limit';

/** What an encoder sends; 640x360 at 30 with sound by default. */
interface EncoderOptions {
  width?: number;
  height?: number;
  framerate?: number;
  noVideo?: boolean;
  noAudio?: boolean;
}

/** LiveKit's egress and ingress services, real but for the picture. One serves a whole test file. */
export interface MediaWorker {
  /** Folder of its work files; `elsewhere` in it has what went to storages that no test can run. */
  dir: string;
  pid: number;
  /** Where real RTMP encoders send to: this and `/` and the stream key. */
  rtmpUrl: string;
  /** Each egress order so far, as `EgressInfo` without credentials. */
  orders(): any[];
  /** The fault of the next order, or of the next `times`. */
  fault(kind: EgressFault, options?: { error?: string; ms?: number; times?: number }): Promise<void>;
  /** No CPU left for recordings or ingests, until told otherwise. */
  full(what: { egress?: boolean; ingress?: boolean }): Promise<void>;
  /** Changes the service's own storage for orders to come. */
  storage(own: { storage?: WorkerStorage; backup?: WorkerStorage }): Promise<void>;
  /** Ids of the orders that it carries out now. */
  running(): Promise<string[]>;
  /** Lets go on what a fault holds; kills the order's process, as for want of memory; makes its pipeline fail. */
  release(egressId: string): Promise<void>;
  killHandler(egressId: string): Promise<void>;
  fail(egressId: string, error?: string): Promise<void>;
  /** An encoder begins to send to a stream key; rejects with what an encoder would see ("Publish failed"). */
  startEncoder(streamKey: string, options?: EncoderOptions): Promise<{ ingressId: string; resourceId: string }>;
  /** It says goodbye; with an error (`i/o timeout`) it vanishes. */
  stopEncoder(streamKey: string, error?: string): Promise<void>;
  /** The service is lost with all that it does: nothing more is told. */
  kill(): Promise<void>;
  /** Takes nothing new, and ends once all is recorded. */
  drain(): Promise<void>;
  stop(): Promise<void>;
}

/** Path of the program, built once where needed. @throws when it can't be had here */
export const mediaWorkerProgram = async (): Promise<string> =>
  (await run(SCRIPT, ['build'], { timeout: 600_000 })).stdout.trim();

/** Starts the services for a LiveKit, or says in a string why none can be had here. They stop with the test. */
export async function startMediaWorker(
  t: { after(fn: () => unknown): void },
  livekit: LivekitServer,
  options: MediaWorkerOptions = {},
): Promise<MediaWorker | string> {
  let program: string;
  try {
    program = await mediaWorkerProgram();
  } catch (error) {
    return `no media worker can be had here: ${reasonOf(error)}`;
  }
  const dir = mkdtempSync(path.join(os.tmpdir(), 'streamhub-media-worker-'));
  const orders = path.join(dir, 'orders.jsonl');
  const config = path.join(dir, 'config.json');
  const own = {
    redis: new URL(livekit.redisUrl).host,
    url: livekit.url,
    apiKey: livekit.apiKey,
    apiSecret: livekit.apiSecret,
    dir,
    orders,
    tied: true,
    ...options,
  };
  writeFileSync(config, JSON.stringify(own), { mode: 0o600 });
  const child = spawn(program, [config], { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  const exited = once(child, 'exit');
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    // its process group, with handlers and ffmpeg
    if (signal === 'SIGKILL') process.kill(-child.pid!, signal);
    else child.kill(signal);
    await exited;
  };
  t.after(async () => {
    await end('SIGKILL');
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  });
  const [control, rtmp] = await addresses(child);
  const call = async (method: string, to: string, body?: unknown): Promise<any> => {
    const response = await fetch(`http://${control}${to}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error);
    return answer;
  };
  return {
    dir,
    pid: child.pid!,
    rtmpUrl: `rtmp://${rtmp}/live`,
    orders: () =>
      readFileSync(orders, 'utf8')
        .split('\n')
        // the last line may be half written
        .slice(0, -1)
        .map((line) => JSON.parse(line)),
    fault: (kind, options) => call('POST', '/fault', { kind, ...options }),
    full: (what) => call('POST', '/full', what),
    storage: (own) => call('POST', '/storage', own),
    running: () => call('GET', '/egress'),
    release: (id) => call('POST', `/egress/${id}/release`, {}),
    killHandler: (id) => call('POST', `/egress/${id}/kill`, {}),
    fail: (id, error) => call('POST', `/egress/${id}/fail`, { error }),
    startEncoder: (streamKey, options) => call('POST', '/encoder/start', { streamKey, ...options }),
    stopEncoder: (streamKey, error) => call('POST', '/encoder/stop', { streamKey, error }),
    kill: () => end('SIGKILL'),
    drain: () => end('SIGTERM'),
    stop: () => end('SIGKILL'),
  };
}

/** Addresses of the control server and for encoders, from the line that says it is ready. */
async function addresses(child: ChildProcess): Promise<string[]> {
  let said = '';
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors = (errors + chunk).slice(-4000);
    if (process.env['MEDIA_WORKER_LOG']) process.stderr.write(chunk);
  });
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk;
      const found = /^ready (\S+) (\S+)\n/.exec(said);
      if (found) resolve(found.slice(1));
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`the media worker ended: ${errors}`)));
  });
}
