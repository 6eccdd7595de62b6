import type { RunFile } from '#shared/files/run-file.ts';
import type { Keep } from '#shared/ipc/connections.ts';
import type { Emit } from '#shared/ipc/index.ts';
import type { LocalDaemon as LocalDaemonState } from '#shared/ipc/local-daemon.ts';
import { failure, IpcFailure } from '#shared/ipc/outcome.ts';
import type { SecretStore } from '#shared/keychain/secret-store.ts';
import type { Connections } from '../connections/connections.ts';
import { recognise } from '../connections/probe.ts';
import { Transport } from '../connections/transport.ts';
import { DaemonProcess, routeTo } from './daemon-process.ts';
import { emergencySettings, makeToken, newToken } from './new-token.ts';
import type { Runtime } from './runtime.ts';

export interface LocalDaemonOptions {
  /** DATA_DIR of the daemon. */
  dataDir: string;
  /** What runs it, or why nothing does. */
  runtime: Runtime | string;
  connections: Connections;
  secrets: SecretStore;
  emit: Emit;
  env: NodeJS.ProcessEnv;
  startMs?: number;
  stopMs?: number;
}

type OwnState = Omit<LocalDaemonState, 'connectionId' | 'output'>;

/**
 * The daemon that this app runs on this machine: a separate process on a separate DATA_DIR, which may outlive the app
 * and is taken up again when the app comes back.
 */
export class LocalDaemon {
  readonly #options: LocalDaemonOptions;
  readonly #process: DaemonProcess;
  #state: OwnState;
  #busy: Promise<void> | undefined;

  constructor(options: LocalDaemonOptions) {
    const { dataDir, env, runtime, startMs = 30_000, stopMs = 20_000 } = options;
    this.#options = options;
    this.#process = new DaemonProcess({
      dataDir,
      env,
      startMs,
      stopMs,
      onFall: (reason) => {
        if (this.#state.status === 'running') this.#failed(failure('LOCAL_FAILED', { reason }));
      },
    });
    const missing = typeof runtime === 'string' ? unavailable(runtime).toJSON() : null;
    this.#state = {
      status: missing === null ? 'stopped' : 'unavailable',
      url: null,
      pid: null,
      version: null,
      dataDir,
      adopted: false,
      since: new Date().toISOString(),
      error: missing,
    };
  }

  get state(): LocalDaemonState {
    const connectionId = this.#options.connections.local?.id ?? null;
    return { ...this.#state, connectionId, output: this.#process.output() };
  }

  /** Takes up a daemon that runs already; starts none. */
  async look(): Promise<void> {
    await this.#alone(async () => {
      const running = await this.#process.find();
      if (running === undefined) return;
      this.#change({ status: 'running', ...shown(running), adopted: true, error: null });
      const { connections } = this.#options;
      const secret = await connections.local?.secret().catch(() => undefined);
      await connections.putLocal(routeTo(running), secret?.token, this.#keptAs());
    });
  }

  /** Starts it, or adopts the running one, and connects to it. @throws KEYCHAIN_LOCKED and similar codes before anything is started */
  async start(keep: Keep): Promise<LocalDaemonState> {
    const { runtime, connections } = this.#options;
    if (typeof runtime === 'string') throw unavailable(runtime);
    await this.#alone(async () => {
      const kept = await this.#keptToken(keep);
      const running = await this.#process.find();
      try {
        if (running === undefined)
          this.#change({ status: 'starting', url: null, pid: null, version: null, error: null });
        const token = kept ?? newToken();
        let ready = running ?? (await this.#run(runtime, { STREAMHUB_API_TOKEN: token }));
        let accepted = token;
        if (!(await accepts(ready, token))) [ready, accepted] = await this.#regain(runtime, ready);
        this.#change({ status: 'running', ...shown(ready), adopted: running?.pid === ready.pid, error: null });
        await connections.putLocal(routeTo(ready), accepted, keep);
      } catch (error) {
        if (running === undefined) await this.#process.end(this.#state.pid);
        throw this.#failed(error);
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
      await this.#process.end(this.#state.pid);
      this.#change({ status: 'stopped', url: null, pid: null, adopted: false });
    });
    return this.state;
  }

  #run(runtime: Runtime, settings: Record<string, string>): Promise<RunFile> {
    const last = this.#options.connections.local?.record.url;
    return this.#process.start(runtime, last === undefined ? '0' : new URL(last).port || '0', settings);
  }

  /** Its tokens are none that is kept here: anyone who may start the daemon may let itself in for one more. */
  async #regain(runtime: Runtime, { pid }: RunFile): Promise<[RunFile, string]> {
    this.#change({ status: 'starting' });
    await this.#process.end(pid);
    const way = emergencySettings();
    const open = await this.#run(runtime, way);
    const token = await makeToken(routeTo(open), way).finally(() => this.#process.end(open.pid));
    return [await this.#run(runtime, {}), token];
  }

  /** The token of an earlier start. @throws when the keychain would not take a new one */
  async #keptToken(keep: Keep): Promise<string | undefined> {
    const { connections, secrets } = this.#options;
    const { local } = connections;
    const secret =
      local === undefined || local.record.credential.kept === 'none'
        ? undefined
        : await this.#read().catch((error: IpcFailure) => {
            // the keychain that had it is gone; for this session, the daemon makes another one
            if (keep === 'session' && error.code === 'KEYCHAIN_NONE') return undefined;
            throw error;
          });
    if (secret !== undefined || keep === 'session') return secret;
    const { state, message, hint } = await secrets.state();
    const more = hint === null ? {} : { hint };
    if (state === 'locked') throw failure('KEYCHAIN_LOCKED', {}, more);
    if (state === 'none') throw failure('KEYCHAIN_NONE', { reason: message.replace(/^.*?: |\.$/g, '') }, more);
    return undefined;
  }

  async #read(): Promise<string | undefined> {
    const { connections, secrets } = this.#options;
    const { local } = connections;
    if (local === undefined) return undefined;
    // a credential of an earlier session is gone, which does not concern the keychain
    if (local.record.credential.kept === 'session' && !secrets.isSessionOnly(local.id)) return undefined;
    return (await local.secret())?.token;
  }

  #keptAs(): Keep {
    return this.#options.connections.local?.record.credential.kept === 'keychain' ? 'keychain' : 'session';
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

  #failed(error: unknown): IpcFailure {
    const failed = error instanceof IpcFailure ? error : failure('LOCAL_FAILED', { reason: (error as Error).message });
    this.#change({ status: 'failed', url: null, pid: null, adopted: false, error: failed.toJSON() });
    return failed;
  }

  #change(part: Partial<OwnState>): void {
    const isOther = part.status !== undefined && part.status !== this.#state.status;
    this.#state = { ...this.#state, ...part, since: isOther ? new Date().toISOString() : this.#state.since };
    this.#tell();
  }

  #tell(): void {
    this.#options.emit('localDaemon:changed', this.state);
  }
}

const unavailable = (reason: string): IpcFailure =>
  failure('NOT_AVAILABLE', { what: 'A daemon on this machine', reason });

const shown = ({ url, pid, version }: RunFile): Pick<LocalDaemonState, 'url' | 'pid' | 'version'> => ({
  url,
  pid,
  version,
});

async function accepts(daemon: RunFile, token: string): Promise<boolean> {
  const transport = new Transport(routeTo(daemon));
  try {
    return (await recognise(transport, token)).accepted;
  } finally {
    await transport.close();
  }
}
