import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before } from 'node:test';
import { createLogging } from '#daemon/platform/logs/logger.ts';
import { loadSettings } from '#daemon/platform/settings.ts';
import { taskThreads, workerEnvironment } from '#daemon/platform/workers/pool.ts';
import { type RunningDaemon, startDaemon } from '#daemon/start/daemon.ts';
import { watchEvents } from './declared-events.ts';

export const ROOT = path.resolve(import.meta.dirname, '../..');

/** The daemon's program: bundled in a run of many files, else from the sources. */
export const BIN = path.join(process.env['TEST_BUNDLE'] ?? path.join(ROOT, 'daemon'), 'bin.mjs');

/** A temporary folder, gone with the test. */
export async function temporaryDir(
  t: { after(fn: () => unknown): void },
  parent: string = os.tmpdir(),
): Promise<string> {
  const dir = await mkdtemp(path.join(parent, 'streamhub-'));
  t.after(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  return dir;
}

export interface Answer<T = any> {
  status: number;
  headers: Headers;
  body: T;
  text: string;
}

/** A client of one daemon with one credential. */
export class Client {
  base: string;
  readonly token: string | null;
  constructor(base: string, token: string | null) {
    this.base = base;
    this.token = token;
  }
  as(token: string | null): Client {
    return new Client(this.base, token);
  }
  async call<T = any>(
    method: string,
    url: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const raw = typeof body === 'string' || body instanceof Uint8Array;
    const content = body === undefined || raw ? body : JSON.stringify(body);
    const place = this.base + (url.startsWith('//') ? url.slice(1) : `/api/v1${url}`);
    // half the processor time of fetch, which counts with this many requests
    const sent = (place.startsWith('https:') ? https : http).request(place, {
      method,
      headers: {
        accept: '*/*',
        'user-agent': 'node',
        ...(this.token === null ? {} : { authorization: `Bearer ${this.token}` }),
        ...(content === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(content) }),
        ...headers,
      },
    });
    // an answer that comes before the whole body is sent counts
    sent.on('error', () => {});
    sent.end(content);
    const [answer] = (await once(sent, 'response')) as [http.IncomingMessage];
    const text = (await buffer(answer)).toString();
    const answered = new Headers();
    for (const [name, values] of Object.entries(answer.headersDistinct))
      for (const value of values ?? []) answered.append(name, value);
    let parsed: unknown = text;
    if (/json/.test(answered.get('content-type') ?? '') && text !== '') parsed = JSON.parse(text);
    return { status: answer.statusCode ?? 0, headers: answered, body: parsed as T, text };
  }
  get<T = any>(url: string, headers?: Record<string, string>) {
    return this.call<T>('GET', url, undefined, headers);
  }
  post<T = any>(url: string, body?: unknown, headers?: Record<string, string>) {
    return this.call<T>('POST', url, body, headers);
  }
  put<T = any>(url: string, body?: unknown, headers?: Record<string, string>) {
    return this.call<T>('PUT', url, body, headers);
  }
  patch<T = any>(url: string, body?: unknown, headers?: Record<string, string>) {
    return this.call<T>('PATCH', url, body, headers);
  }
  delete<T = any>(url: string, headers?: Record<string, string>) {
    return this.call<T>('DELETE', url, undefined, headers);
  }
}

export interface TestDaemon extends RunningDaemon {
  dataDir: string;
  /** With the global token. */
  api: Client;
  token: string;
}

export const TEST_TOKEN = `sk_${'t'.repeat(43)}`;

/** A thirtieth of the product's work for each password: the cost isn't what most tests are about. */
export const QUICK = { N: 1024, r: 8, p: 1 };

const threads = new Map<string, ReturnType<typeof taskThreads>>();

/** One set of threads for all daemons of this process, as long as they would get the same: to start one costs as much as the daemon. */
function threadsFor(): ReturnType<typeof taskThreads> {
  const key = JSON.stringify(workerEnvironment());
  const found = threads.get(key) ?? taskThreads();
  threads.set(key, found);
  return found;
}

/** Starts a daemon in this process on a free loopback port, over a real socket; it stops with the test, and none of its events may be undeclared. */
export async function testDaemon(
  t: { after(fn: () => unknown): void },
  env: Record<string, string> = {},
  options: { dataDir?: string } = {},
): Promise<TestDaemon> {
  const dataDir = options.dataDir ?? (await temporaryDir(t));
  const settings = loadSettings({
    env: {
      STREAMHUB_API_TOKEN: TEST_TOKEN,
      LOG_LEVEL: 'fatal',
      GPU_DISABLE: 'true',
      // the least: backups of tests hold nothing that a guess could win
      STREAMHUB_BACKUP_WORK: '14',
      ...env,
      DATA_DIR: dataDir,
      PORT: env['PORT'] ?? '0',
    },
  });
  const daemon = await startDaemon(settings, createLogging(settings), { threads: threadsFor, passwordCost: QUICK });
  // Node's runner keeps what was given to `after` until the process ends: all of the daemon with it
  let running: RunningDaemon | undefined = daemon;
  const stop = async (): Promise<void> => {
    const one = running;
    running = undefined;
    await one?.stop();
  };
  const undeclared = watchEvents(daemon.services.events);
  t.after(async () => {
    await stop();
    assert.deepEqual([...undeclared], [], 'every event is what its type declares (shared/schema/event-payloads.ts)');
  });
  return { ...daemon, stop, dataDir, token: TEST_TOKEN, api: new Client(daemon.url, TEST_TOKEN) };
}

export interface DaemonProcess {
  child: ChildProcess;
  url: string;
  api: Client;
  stdout(): string;
  stderr(): string;
  /** Sends the signal and waits for the end. */
  end(signal?: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Starts the daemon as a separate process, as a user would; for kill tests and for what it prints. */
export async function daemonProcess(
  t: { after(fn: () => unknown): void },
  dataDir: string,
  env: Record<string, string> = {},
  args: string[] = [],
  bin = BIN,
  /** Another user to run it as, by a root test. */
  uid?: number,
  /** Files `cgroup.procs` of the control groups that it starts in. */
  groups: readonly string[] = [],
): Promise<DaemonProcess> {
  const enter = groups.map((file) => `echo $$ > '${file}'`).join(' && ');
  const command = [process.execPath, bin, ...args];
  const [program = '', ...words] = enter === '' ? command : ['sh', '-c', `${enter} && exec "$@"`, 'sh', ...command];
  const child = spawn(program, words, {
    ...(uid === undefined ? {} : { uid, gid: uid }),
    cwd: os.tmpdir(),
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      GPU_DISABLE: 'true',
      STREAMHUB_CONSOLE_BUILD: 'off',
      STREAMHUB_API_TOKEN: TEST_TOKEN,
      PORT: '0',
      ...env,
      DATA_DIR: dataDir,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk;
  });
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const end = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const [code, by] = await exited;
    return { code, signal: by };
  };
  t.after(() => end('SIGKILL'));
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk;
      const found = /listens on (http:\S+)/.exec(out);
      if (found?.[1]) resolve(found[1]);
    });
    void exited.then(([code]) => reject(new Error(`the daemon ended with ${code}: ${err}`)));
  });
  return { child, url, api: new Client(url, TEST_TOKEN), stdout: () => out, stderr: () => err, end };
}

/** Stands for a test where the tests of a describe block share something: what it was given is ended after the last of them. */
export function blockScope(): { after(step: () => unknown): void } {
  const steps: (() => unknown)[] = [];
  after(async () => {
    for (const step of steps.reverse()) await step();
  });
  return { after: (step) => void steps.push(step) };
}

/**
 * One daemon for all tests of a describe block or a file. Before the first of them, only the client, its token and the folder
 * of the data are there.
 * @param prepare what follows its start; another hook `before` of a file would not wait for it
 */
export function sharedDaemon(env: Record<string, string> = {}, prepare?: () => Promise<unknown>): TestDaemon {
  const scope = blockScope();
  const dataDir = mkdtempSync(path.join(os.tmpdir(), 'streamhub-'));
  scope.after(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }));
  const api = new Client('', TEST_TOKEN);
  const daemon = { api, token: TEST_TOKEN, dataDir } as TestDaemon;
  before(async () => {
    const { api: started, ...parts } = await testDaemon(scope, env, { dataDir });
    api.base = started.base;
    Object.assign(daemon, parts);
    await prepare?.();
  });
  return daemon;
}
