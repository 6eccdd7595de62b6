import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import autocannon from 'autocannon';
import { Client, ROOT } from '#test/helpers/daemon.ts';

const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 3);
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3);
const CONNECTIONS = 10;

/** One line of the report. `target` holds for ratios (at least) and for times and sizes (at most). */
export interface Figure {
  what: string;
  value: number;
  unit: '× bare' | '× ffmpeg' | 'ms' | 'MB' | 's' | '/s' | '×';
  target?: number;
}

export interface BenchCase {
  name: string;
  run(bench: Bench): Promise<Figure[]>;
}

/** What a case gets: a fresh daemon process, and measured requests against it and against a bare route. */
export interface Bench {
  /** Starts a separate daemon for the case; ended afterwards. */
  daemon(env?: Record<string, string>): Promise<BenchDaemon>;
  /**
   * Requests a second of the daemon's route, divided by those of a bare Fastify route that returns a constant JSON equal
   * to the daemon's answer. Measured in turns, the median of the rounds.
   */
  ratio(target: {
    url: string;
    method?: 'GET' | 'POST';
    headers?: Record<string, string>;
    body?: string;
    vary?: (i: number) => string;
  }): Promise<number>;
  /** Latencies of one request after another, milliseconds. */
  latencies(
    url: string,
    headers: Record<string, string>,
    count: number,
  ): Promise<{ p50: number; p99: number; max: number }>;
}

export interface BenchDaemon {
  url: string;
  token: string;
  api: Client;
  pid: number;
  dataDir: string;
  /** Resident memory in MB. */
  rss(): number;
  /** Milliseconds from the process start to the first answer of /health. */
  startMs: number;
  stop(): Promise<void>;
}

const TOKEN = `sk_${'b'.repeat(43)}`;

export function createBench(): { bench: Bench; close(): Promise<void> } {
  const open: (() => Promise<void>)[] = [];
  const bench: Bench = {
    async daemon(env = {}) {
      const dataDir = env['DATA_DIR'] ?? (await mkdtemp(path.join(os.tmpdir(), 'streamhub-bench-')));
      const daemon = await startProcess(dataDir, env);
      open.push(async () => {
        await daemon.stop();
        if (env['DATA_DIR'] === undefined) await rm(dataDir, { recursive: true, force: true });
      });
      return daemon;
    },
    async ratio(target) {
      const headers = target.headers ?? {};
      const first = await fetch(target.url, {
        method: target.method ?? 'GET',
        headers,
        ...(target.body ? { body: target.vary?.(0) ?? target.body } : {}),
      });
      const answer = await first.text();
      if (!first.ok) throw new Error(`${target.url} answers ${first.status}: ${answer.slice(0, 200)}`);
      const bare = await startBare(answer);
      open.push(bare.stop);
      const quotients: number[] = [];
      await throughput(target.url, target, 1);
      const bareHeaders: Record<string, string> = target.body ? { 'content-type': 'application/json' } : {};
      const bareTarget = { ...target, headers: bareHeaders };
      await throughput(bare.url, bareTarget, 1);
      for (let round = 0; round < ROUNDS; round += 1) {
        const ours = await throughput(target.url, target, SECONDS);
        const theirs = await throughput(bare.url, bareTarget, SECONDS);
        quotients.push(ours / theirs);
      }
      return median(quotients);
    },
    async latencies(url, headers, count) {
      const times: number[] = [];
      for (let i = 0; i < count; i += 1) {
        const start = performance.now();
        const response = await fetch(url, { headers });
        await response.arrayBuffer();
        if (!response.ok) throw new Error(`${url} answers ${response.status}`);
        times.push(performance.now() - start);
      }
      times.sort((a, b) => a - b);
      const at = (q: number): number => times[Math.min(times.length - 1, Math.floor(q * times.length))] ?? Number.NaN;
      return { p50: at(0.5), p99: at(0.99), max: at(1) };
    },
  };
  return {
    bench,
    close: async () => {
      for (const stop of open.reverse()) await stop();
    },
  };
}

async function throughput(
  url: string,
  target: { method?: 'GET' | 'POST'; headers?: Record<string, string>; body?: string; vary?: (i: number) => string },
  seconds: number,
): Promise<number> {
  let next = 0;
  const { vary } = target;
  const result = await autocannon({
    url,
    connections: CONNECTIONS,
    duration: seconds,
    method: target.method ?? 'GET',
    headers: target.headers ?? {},
    ...(target.body ? { body: target.body } : {}),
    ...(vary ? { setupClient: (client) => client.on('response', () => client.setBody(vary((next += 1)))) } : {}),
  });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${url}: ${result.non2xx} refusals, ${result.errors} errors`);
  return result.requests.average;
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;

async function startProcess(dataDir: string, env: Record<string, string>): Promise<BenchDaemon> {
  const started = performance.now();
  const child = spawn(process.execPath, [path.join(ROOT, 'out/daemon/bin.mjs')], {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      LOG_LEVEL: 'warn',
      GPU_DISABLE: 'true',
      STREAMHUB_CONSOLE_BUILD: 'off',
      NODE_ENV: 'production',
      STREAMHUB_API_TOKEN: TOKEN,
      ...env,
      DATA_DIR: dataDir,
      PORT: env['PORT'] ?? '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await firstMatch(child, /listens on (http:\S+)/);
  const answer = await fetch(`${url}/api/v1/health`);
  await answer.arrayBuffer();
  const startMs = performance.now() - started;
  return {
    url,
    token: TOKEN,
    api: new Client(url, TOKEN),
    pid: child.pid as number,
    dataDir,
    startMs,
    rss: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024,
    stop: () => ended(child),
  };
}

async function startBare(answer: string): Promise<{ url: string; stop(): Promise<void> }> {
  const child = spawn(process.execPath, [path.join(ROOT, 'test/bench/bare-server.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin?.end(answer);
  return { url: await firstMatch(child, /(http:\S+)/), stop: () => ended(child) };
}

function firstMatch(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk;
      const found = pattern.exec(text)?.[1];
      if (found) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${text}`)));
  });
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}
