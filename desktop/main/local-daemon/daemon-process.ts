import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeFolderSync } from '#shared/files/make-folder.ts';
import { isRunning, type RunFile, readRunFile } from '#shared/files/run-file.ts';
import { failure } from '#shared/ipc/outcome.ts';
import { saysPortInUse } from '#shared/start-failure.ts';
import { checkHealth } from '../connections/probe.ts';
import { type Route, Transport } from '../connections/transport.ts';
import type { Runtime } from './runtime.ts';

export interface DaemonProcessOptions {
  dataDir: string;
  env: NodeJS.ProcessEnv;
  startMs: number;
  stopMs: number;
  /** It ended without having been asked to. */
  onFall(reason: string): void;
}

const LOOK_MS = 50;
const OUTPUT_LINES = 40;

/** A daemon with TLS_CERT has a certificate for its public name; on its own machine it is known by the fingerprint. */
export const routeTo = ({ url, fingerprint }: Pick<RunFile, 'url' | 'fingerprint'>): Route => ({
  base: url,
  pinned: fingerprint ?? null,
});

/** The daemon's process: found, started, ended. It may have been started by an earlier run of this app. */
export class DaemonProcess {
  readonly #options: DaemonProcessOptions;
  #child: ChildProcess | undefined;

  constructor(options: DaemonProcessOptions) {
    this.#options = options;
  }

  /** What a daemon of this DATA_DIR answers about itself. */
  async find(): Promise<RunFile | undefined> {
    const found = await readRunFile(this.#options.dataDir);
    if (found === undefined || !isRunning(found.pid)) return undefined;
    const transport = new Transport(routeTo(found));
    try {
      const { version } = await checkHealth(transport);
      return { ...found, version };
    } catch {
      return undefined;
    } finally {
      await transport.close();
    }
  }

  /** Starts it, on the port of last time when that is free, and waits until it answers. @throws LOCAL_FAILED */
  async start(runtime: Runtime, port: string, settings: Record<string, string>): Promise<RunFile> {
    try {
      return await this.#spawn(runtime, port, settings);
    } catch (error) {
      // someone else has that port by now; another one is as good
      if (port === '0' || !saysPortInUse((error as Error).message)) throw error;
      return await this.#spawn(runtime, '0', settings);
    }
  }

  /** Ends it in order, by force when it takes too long. */
  async end(pid: number | null): Promise<void> {
    const target = this.#child?.pid ?? pid;
    this.#child = undefined;
    if (target === null || target === undefined) return;
    send(target, 'SIGTERM');
    const deadline = performance.now() + this.#options.stopMs;
    while (isRunning(target)) {
      if (performance.now() > deadline) send(target, 'SIGKILL');
      await delay(LOOK_MS);
    }
  }

  /** Its newest error lines. */
  output(): string[] {
    try {
      const lines = readFileSync(this.#errorFile(), 'utf8').split('\n');
      return lines.filter((line) => line.trim() !== '').slice(-OUTPUT_LINES);
    } catch {
      return [];
    }
  }

  async #spawn({ node, entry }: Runtime, port: string, settings: Record<string, string>): Promise<RunFile> {
    const { dataDir, env, startMs, onFall } = this.#options;
    makeFolderSync(dataDir);
    const errors = openSync(this.#errorFile(), 'w', 0o600);
    const child = spawn(node, [entry], {
      cwd: dataDir,
      // its own session, and a file instead of a pipe: it may outlive this app
      detached: true,
      windowsHide: true,
      stdio: ['ignore', 'ignore', errors],
      env: { ...systemEnvironment(env), DATA_DIR: dataDir, HOST: '127.0.0.1', PORT: port, ...settings },
    });
    closeSync(errors);
    this.#child = child;
    let ended: string | undefined;
    child.on('error', (error) => {
      ended = error.message;
    });
    child.on('exit', (code, signal) => {
      ended ??= signal === null ? `it exited with code ${code}` : `it was ended by ${signal}`;
      if (this.#child !== child) return;
      this.#child = undefined;
      if (hasAnswered) onFall(this.#why(ended));
    });
    child.unref();
    let hasAnswered = false;
    const deadline = performance.now() + startMs;
    for (;;) {
      await delay(LOOK_MS);
      if (ended !== undefined) throw failure('LOCAL_FAILED', { reason: this.#why(ended) });
      const found = await this.find();
      if (found !== undefined && found.pid === child.pid) {
        hasAnswered = true;
        return found;
      }
      if (performance.now() > deadline)
        throw failure('LOCAL_FAILED', { reason: `it did not respond within ${startMs / 1000} s` });
    }
  }

  #why(ended: string): string {
    return (this.output().at(-1) ?? ended).replace(/^streamhub: /, '').replace(/\.$/, '');
  }

  #errorFile(): string {
    return path.join(this.#options.dataDir, 'desktop-start.txt');
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended by itself
  }
}

const SYSTEM_NAMES = [
  ...['PATH', 'Path', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot', 'USERPROFILE'],
  ...['APPDATA', 'LOCALAPPDATA', 'XDG_STATE_HOME', 'XDG_DATA_HOME', 'NODE_EXTRA_CA_CERTS', 'GPU_DISABLE'],
];

/** What a program of this system needs, and no setting of a daemon that this app was started beside. */
function systemEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(SYSTEM_NAMES.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}
