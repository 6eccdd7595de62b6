import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Keep } from '#shared/ipc/connections.ts';
import type { Emit } from '#shared/ipc/index.ts';
import type { LocalDaemon as LocalDaemonState } from '#shared/ipc/local-daemon.ts';
import { failure, IpcFailure } from '#shared/ipc/outcome.ts';
import type { Connections } from '../connections/connections.ts';
import { checkHealth } from '../connections/probe.ts';
import { Transport } from '../connections/transport.ts';
import type { Vault } from '../vault/vault.ts';
import { isRunning, type RunFile, readRunFile } from './run-file.ts';
import type { Runtime } from './runtime.ts';

export interface LocalDaemonOptions {
  /** DATA_DIR of the daemon. */
  dataDir: string;
  runtime: Runtime | string;
  connections: Connections;
  vault: Vault;
  emit: Emit;
  env?: NodeJS.ProcessEnv;
  startMs?: number;
  stopMs?: number;
}

type OwnState = Omit<LocalDaemonState, 'connectionId' | 'output'>;

const LOOK_MS = 50;
const OUTPUT_LINES = 40;

/**
 * The daemon that this app runs on this machine: a process of its own on a DATA_DIR of its own, which may outlive the app
 * and is taken up again when the app comes back.
 */
export class LocalDaemon {
  readonly #options: LocalDaemonOptions;
  readonly #startMs: number;
  readonly #stopMs: number;
  #state: OwnState;
  #busy: Promise<void> | undefined;
  #child: ChildProcess | undefined;

  constructor(options: LocalDaemonOptions) {
    this.#options = options;
    this.#startMs = options.startMs ?? 30_000;
    this.#stopMs = options.stopMs ?? 20_000;
    this.#state = {
      status: typeof options.runtime === 'string' ? 'unavailable' : 'stopped',
      url: null,
      pid: null,
      version: null,
      dataDir: options.dataDir,
      adopted: false,
      since: new Date().toISOString(),
      error:
        typeof options.runtime === 'string'
          ? failure('NOT_AVAILABLE', { what: 'A daemon on this machine', reason: options.runtime }).toJSON()
          : null,
    };
  }

  get state(): LocalDaemonState {
    return {
      ...this.#state,
      connectionId: this.#options.connections.local?.id ?? null,
      output: this.#output(),
    };
  }

  /** Takes up a daemon that runs already; starts none. */
  async look(): Promise<void> {
    await this.#alone(async () => {
      const running = await this.#running();
      if (running === undefined) return;
      this.#change({ status: 'running', ...running, adopted: true, error: null });
      await this.#connect(running.url, 'session');
    });
  }

  /** Starts it, or takes up the one that runs, and connects to it. @throws KEYCHAIN_LOCKED and its kin before anything is started */
  async start(keep: Keep): Promise<LocalDaemonState> {
    const { runtime } = this.#options;
    if (typeof runtime === 'string')
      throw failure('NOT_AVAILABLE', { what: 'A daemon on this machine', reason: runtime });
    await this.#alone(async () => {
      if (this.#state.status === 'running' && (await this.#running()) !== undefined) return;
      const running = await this.#running();
      if (running !== undefined) {
        this.#change({ status: 'running', ...running, adopted: true, error: null });
        await this.#connect(running.url, keep);
        return;
      }
      const token = (await this.#token(keep)) ?? newToken();
      this.#change({ status: 'starting', url: null, pid: null, version: null, adopted: false, error: null });
      try {
        const started = await this.#spawn(runtime, token);
        this.#change({ status: 'running', ...started });
        await this.#options.connections.putLocal(started.url, token, keep);
      } catch (error) {
        await this.#end();
        const failed =
          error instanceof IpcFailure ? error : failure('LOCAL_FAILED', { reason: (error as Error).message });
        this.#change({ status: 'failed', url: null, pid: null, error: failed.toJSON() });
        throw failed;
      }
    });
    this.#tell();
    return this.state;
  }

  /** Stops it in order and waits for its end. */
  async stop(): Promise<LocalDaemonState> {
    await this.#alone(async () => {
      if (this.#state.status !== 'running') return;
      this.#change({ status: 'stopping' });
      await this.#end();
      this.#change({ status: 'stopped', url: null, pid: null, adopted: false });
    });
    return this.state;
  }

  /** What a daemon of this DATA_DIR that answers says of itself. */
  async #running(): Promise<RunFile | undefined> {
    const found = await readRunFile(this.#options.dataDir);
    if (found === undefined || !isRunning(found.pid)) return undefined;
    const transport = new Transport({ base: found.url, pinned: null });
    try {
      const { version } = await checkHealth(transport);
      return { ...found, version };
    } catch {
      return undefined;
    } finally {
      await transport.close();
    }
  }

  /** A connection to a daemon that was not started now: with the token from before, or signed out when that is lost. */
  async #connect(url: string, keep: Keep): Promise<void> {
    const { connections } = this.#options;
    const secret = await connections.local?.secret().catch(() => undefined);
    await connections.putLocal(url, secret?.token, keep);
  }

  /** The token of an earlier start. @throws when the keychain would not take a new one */
  async #token(keep: Keep): Promise<string | undefined> {
    const { connections, vault } = this.#options;
    const { local } = connections;
    if (local !== undefined && local.record.credential.kept !== 'none') {
      const secret = await local.secret();
      if (secret !== undefined) return secret.token;
    }
    if (keep === 'keychain') {
      const { state, message, hint } = await vault.state();
      if (state === 'locked') throw failure('KEYCHAIN_LOCKED', {}, hint === null ? {} : { hint });
      if (state === 'none')
        throw failure('KEYCHAIN_NONE', { reason: message.replace(/^.*?: |\.$/g, '') }, hint === null ? {} : { hint });
    }
    return undefined;
  }

  async #spawn(runtime: Runtime, token: string): Promise<RunFile> {
    const port = this.#options.connections.local?.record.url;
    const wanted = port === undefined ? '0' : new URL(port).port || '0';
    try {
      return await this.#spawnOn(runtime, token, wanted);
    } catch (error) {
      // someone else has the port of last time; another one is as good
      if (wanted === '0' || !/port \d+ .* is taken/.test((error as Error).message)) throw error;
      return await this.#spawnOn(runtime, token, '0');
    }
  }

  async #spawnOn({ node, entry }: Runtime, token: string, port: string): Promise<RunFile> {
    const { dataDir, env = process.env } = this.#options;
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const errors = openSync(this.#errorFile(), 'w', 0o600);
    const child = spawn(node, [entry], {
      cwd: dataDir,
      // its own session: closing a terminal or the app must not take it along. A file, not a pipe: it may outlive us
      detached: true,
      windowsHide: true,
      stdio: ['ignore', 'ignore', errors],
      env: { ...systemEnvironment(env), DATA_DIR: dataDir, HOST: '127.0.0.1', PORT: port, STREAMHUB_API_TOKEN: token },
    });
    closeSync(errors);
    this.#child = child;
    let ended: string | undefined;
    child.on('error', (error) => {
      ended = error.message;
    });
    child.on('exit', (code, signal) => {
      ended ??= signal === null ? `it ended with exit code ${code}` : `it was ended by ${signal}`;
      if (this.#child !== child) return;
      this.#child = undefined;
      if (this.#state.status === 'running') this.#fell(ended);
    });
    child.unref();
    const deadline = performance.now() + this.#startMs;
    for (;;) {
      await delay(LOOK_MS);
      if (ended !== undefined) throw failure('LOCAL_FAILED', { reason: this.#output().at(-1) ?? ended });
      const found = await this.#running();
      if (found !== undefined && found.pid === child.pid) return found;
      if (performance.now() > deadline)
        throw failure('LOCAL_FAILED', { reason: `it did not answer within ${this.#startMs / 1000} s` });
    }
  }

  #fell(reason: string): void {
    const said = this.#output().at(-1);
    this.#change({
      status: 'failed',
      url: null,
      pid: null,
      error: failure('LOCAL_FAILED', { reason: said === undefined ? reason : `${reason}: ${said}` }).toJSON(),
    });
  }

  async #end(): Promise<void> {
    const pid = this.#child?.pid ?? this.#state.pid;
    this.#child = undefined;
    if (pid === null || pid === undefined) return;
    const send = (signal: NodeJS.Signals): void => {
      try {
        process.kill(pid, signal);
      } catch {}
    };
    send('SIGTERM');
    const deadline = performance.now() + this.#stopMs;
    while (isRunning(pid)) {
      if (performance.now() > deadline) send('SIGKILL');
      await delay(LOOK_MS);
    }
  }

  /** One start, stop or look at a time. */
  async #alone(work: () => Promise<void>): Promise<void> {
    while (this.#busy !== undefined) await this.#busy.catch(() => {});
    this.#busy = work();
    try {
      await this.#busy;
    } finally {
      this.#busy = undefined;
    }
  }

  #errorFile(): string {
    return path.join(this.#options.dataDir, 'desktop-start.txt');
  }

  #output(): string[] {
    try {
      const lines = readFileSync(this.#errorFile(), 'utf8').split('\n');
      return lines.filter((line) => line.trim() !== '').slice(-OUTPUT_LINES);
    } catch {
      return [];
    }
  }

  #change(part: Partial<OwnState>): void {
    const since =
      part.status !== undefined && part.status !== this.#state.status ? new Date().toISOString() : this.#state.since;
    this.#state = { ...this.#state, ...part, since };
    this.#tell();
  }

  #tell(): void {
    this.#options.emit('localDaemon:changed', this.state);
  }
}

const newToken = (): string => `sk_${randomBytes(32).toString('base64url')}`;

/** What a program of this system needs, and no setting of a daemon that this app was started beside. */
function systemEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = [
    'PATH',
    'Path',
    'HOME',
    'USER',
    'LANG',
    'LC_ALL',
    'TZ',
    'TMPDIR',
    'TEMP',
    'TMP',
    'SystemRoot',
    'APPDATA',
  ];
  const more = ['LOCALAPPDATA', 'USERPROFILE', 'XDG_STATE_HOME', 'XDG_DATA_HOME', 'NODE_EXTRA_CA_CERTS', 'GPU_DISABLE'];
  return Object.fromEntries(
    [...names, ...more].flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
  );
}
