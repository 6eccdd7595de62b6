import path from 'node:path';
import { TIMING, type Timing } from '#shared/connection/daemon-connection.ts';
import type { Connection } from '#shared/ipc/connections.ts';
import type { StreamEvent } from '#shared/ipc/events.ts';
import type { Emit } from '#shared/ipc/index.ts';
import { SecretStore } from '#shared/keychain/secret-store.ts';
import { ConnectionTests } from './connections/connection-tests.ts';
import { Connections } from './connections/connections.ts';
import { Requests } from './connections/requests.ts';
import { Streams } from './connections/streams.ts';
import { createDispatcher, type Dispatch } from './ipc/dispatcher.ts';
import { handlers } from './ipc/handlers.ts';
import { LocalDaemon } from './local-daemon/local-daemon.ts';
import type { Runtime } from './local-daemon/runtime.ts';
import type { Parts, Shell } from './parts.ts';
import { PreferenceStore } from './preferences.ts';
import { KeychainWatch } from './secrets/keychain-watch.ts';
import { Commands } from './shell/commands.ts';
import { type OverallHealth, overallHealth } from './shell/health.ts';
import { Notices } from './shell/notices.ts';
import { Terminals } from './terminal/terminals.ts';

export interface CoreOptions {
  /** Folder of this app's own files. */
  userData: string;
  shell: Shell;
  /** Tells all windows. */
  emit: Emit;
  runtime: Runtime | string;
  secrets?: SecretStore;
  timing?: Timing;
  env?: NodeJS.ProcessEnv;
  onBug?: (where: string, error: unknown) => void;
}

/** Everything of the desktop app that needs no Electron. */
export class Core implements Parts {
  readonly connections: Connections;
  readonly requests: Requests;
  readonly streams: Streams;
  readonly tests: ConnectionTests;
  readonly secrets: SecretStore;
  readonly keychain: KeychainWatch;
  readonly terminals: Terminals;
  readonly localDaemon: LocalDaemon;
  readonly preferences: PreferenceStore;
  readonly commands: Commands;
  readonly notices: Notices;
  readonly shell: Shell;
  readonly userData: string;
  /** Answers a call of the contract. */
  readonly dispatch: Dispatch;
  #told = '';

  constructor({ userData, shell, emit, runtime, secrets, timing = TIMING, env = process.env, onBug }: CoreOptions) {
    this.userData = userData;
    this.shell = shell;
    const tell: Emit = (channel, payload) => {
      emit(channel, payload as never);
      this.#observe(channel, payload);
    };
    this.secrets = secrets ?? new SecretStore({ env });
    this.preferences = new PreferenceStore(userData, tell);
    this.connections = new Connections({
      folder: userData,
      secrets: this.secrets,
      emit: tell,
      timing,
      onSnapshot: () => this.#healthChanged(),
    });
    this.requests = new Requests(this.connections, tell);
    this.streams = new Streams(this.connections, tell, timing);
    this.tests = new ConnectionTests(tell);
    this.keychain = new KeychainWatch({ secrets: this.secrets, connections: this.connections, emit: tell });
    this.terminals = new Terminals({ emit: tell, env });
    this.localDaemon = new LocalDaemon({
      dataDir: path.join(userData, 'daemon'),
      runtime,
      connections: this.connections,
      secrets: this.secrets,
      emit: tell,
      env,
    });
    this.commands = new Commands(tell);
    this.notices = new Notices({
      show: (notice) => shell.notify(notice),
      preferences: () => this.preferences.get(),
      nameOf: (id) => this.#nameOf(id),
    });
    this.dispatch = createDispatcher(handlers(this), onBug ?? (() => {}));
  }

  async start(): Promise<void> {
    await this.preferences.load();
    this.shell.applyTheme(this.preferences.get().theme);
    await this.connections.start();
    this.#healthChanged();
    void this.#startLocal();
  }

  async stop(): Promise<void> {
    this.tests.stopAll();
    this.streams.closeAll();
    this.terminals.closeAll();
    this.keychain.stop();
    this.notices.stop();
    if (!this.preferences.get().keepLocalDaemon) await this.localDaemon.stop();
    await this.connections.stop();
  }

  /** The machine woke up or is online again. */
  wake(): void {
    this.connections.retryAll();
  }

  get health(): OverallHealth {
    return overallHealth(this.connections.list().connections, (id) => this.connections.snapshot(id));
  }

  async #startLocal(): Promise<void> {
    try {
      await this.localDaemon.look();
      const { startLocalDaemon } = this.preferences.get();
      if (!startLocalDaemon || this.localDaemon.state.status !== 'stopped') return;
      const { state } = await this.secrets.state();
      await this.localDaemon.start(state === 'none' ? 'session' : 'keychain');
    } catch {
      // its state says what is wrong
    }
  }

  #observe(channel: string, payload: unknown): void {
    switch (channel) {
      case 'connections:state': {
        const { id, state } = payload as { id: string; state: Connection['state'] };
        this.notices.onState(id, state);
        this.keychain.onState(state);
        this.#healthChanged();
        break;
      }
      case 'connections:changed': {
        this.#healthChanged();
        break;
      }
      case 'events:events': {
        const { connectionId, events } = payload as { connectionId: string; events: StreamEvent[] };
        this.notices.onEvents(connectionId, events);
        break;
      }
      case 'desktop:preferences':
        this.shell.applyTheme((payload as { theme: 'system' | 'light' | 'dark' }).theme);
    }
  }

  #healthChanged(): void {
    const { health } = this;
    const text = JSON.stringify(health);
    if (text === this.#told) return;
    this.#told = text;
    this.shell.healthChanged(health);
  }

  #nameOf(id: string): string {
    try {
      return this.connections.get(id).record.name;
    } catch {
      return 'A daemon';
    }
  }
}
