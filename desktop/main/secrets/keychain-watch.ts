import type { ConnectionState } from '#shared/ipc/connections.ts';
import type { Emit } from '#shared/ipc/index.ts';
import type { KeychainState } from '#shared/ipc/keychain.ts';
import type { SecretStore } from '#shared/keychain/secret-store.ts';
import type { Connections } from '../connections/connections.ts';

const LOOK_MS = 3000;

export interface KeychainWatchOptions {
  secrets: SecretStore;
  connections: Connections;
  emit: Emit;
  lookMs?: number;
}

/** Notices that the keychain was opened or locked, while that matters to anyone, and lets the waiting connections go on. */
export class KeychainWatch {
  readonly #options: KeychainWatchOptions;
  #last: KeychainState['state'] | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: KeychainWatchOptions) {
    this.#options = options;
  }

  async state(): Promise<KeychainState> {
    return this.#saw(await this.#options.secrets.state());
  }

  async unlock(): Promise<KeychainState> {
    return this.#saw(await this.#options.secrets.unlock());
  }

  onState({ status }: ConnectionState): void {
    if (status === 'locked') this.#soon();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.state();
    }, this.#options.lookMs ?? LOOK_MS).unref();
  }

  #saw(state: KeychainState): KeychainState {
    const before = this.#last;
    this.#last = state.state;
    if (state.state !== 'ready' && this.#isAwaited()) this.#soon();
    if (before === state.state) return state;
    if (before !== undefined) this.#options.emit('keychain:changed', state);
    if (state.state === 'ready' && this.#isAwaited()) this.#options.connections.retryAll();
    return state;
  }

  #isAwaited(): boolean {
    return this.#options.connections.list().connections.some((connection) => connection.state.status === 'locked');
  }
}
