import type { Keep } from '../ipc/connections.ts';
import { failure, IpcFailure } from '../ipc/failure.ts';
import type { KeychainState } from '../ipc/keychain.ts';
import { type LoadModule, loadBackend, type SecretBackend } from './backends.ts';
import { type Lock, SecretService } from './secret-service.ts';

export interface SecretStoreOptions {
  /** Name under which the keychain shows the entries. */
  service?: string;
  platform?: NodeJS.Platform;
  env?: NodeJS.ProcessEnv;
  load?: LoadModule;
}

type Found = Omit<KeychainState, 'sessionOnly'>;

const NAMES: Partial<Record<NodeJS.Platform, string>> = {
  darwin: 'macOS Keychain',
  win32: 'Windows Credential Manager',
};

/**
 * Where credentials are kept: in the system's keychain, or, when the person chose so, in this process's memory until the
 * app quits. Never in a file. "No keychain", "locked" and "not stored" are three different answers.
 */
export class SecretStore {
  readonly #service: string;
  readonly #platform: NodeJS.Platform;
  readonly #secretService: SecretService;
  readonly #load: LoadModule | undefined;
  readonly #session = new Map<string, string>();
  #backend: Promise<SecretBackend> | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  constructor({
    service = 'StreamHub',
    platform = process.platform,
    env = process.env,
    load,
  }: SecretStoreOptions = {}) {
    this.#service = service;
    this.#platform = platform;
    this.#secretService = new SecretService(env);
    this.#load = load;
  }

  async state(): Promise<KeychainState> {
    const found = await this.#look();
    return { ...found, sessionOnly: [...this.#session.keys()] };
  }

  /** Is it kept in memory only? */
  isSessionOnly(account: string): boolean {
    return this.#session.has(account);
  }

  /**
   * @returns the secret, or null when none is stored
   * @throws KEYCHAIN_LOCKED, KEYCHAIN_NONE, KEYCHAIN_FAILED
   */
  async read(account: string): Promise<string | null> {
    const kept = this.#session.get(account);
    if (kept !== undefined) return kept;
    return await this.#use((backend) => backend.get(this.#service, account));
  }

  /** Keeps the secret and makes sure that it can be read again. */
  async write(account: string, secret: string, keep: Keep): Promise<void> {
    if (keep === 'session') {
      this.#session.set(account, secret);
      return;
    }
    await this.#use(async (backend) => {
      await backend.set(this.#service, account, secret);
      if ((await backend.get(this.#service, account)) !== secret)
        throw new Error('the stored value could not be read back');
    });
    this.#session.delete(account);
  }

  /** Forgets the secret, in memory and in the keychain. @throws when only the keychain has it and does not give it up */
  async remove(account: string): Promise<void> {
    const hadSession = this.#session.delete(account);
    await this.removeKept(account).catch((error: unknown) => {
      if (!hadSession) throw error;
    });
  }

  /** Takes the secret out of the keychain; one in memory stays. */
  async removeKept(account: string): Promise<void> {
    await this.#use((backend) => backend.delete(this.#service, account));
  }

  /** Moves a secret from memory into the keychain. */
  async keep(account: string): Promise<void> {
    const secret = this.#session.get(account);
    if (secret !== undefined) await this.write(account, secret, 'keychain');
  }

  /** Asks the system to unlock the keychain, which may ask the person. */
  async unlock(): Promise<KeychainState> {
    if (this.#platform === 'linux') await this.#secretService.unlock();
    return await this.state();
  }

  async #look(): Promise<Found> {
    const service = NAMES[this.#platform] ?? 'Secret Service';
    const describe = (lock: Lock, module: SecretBackend['module'] | null): Found => ({
      ...WORDS[lock.state],
      state: lock.state,
      service,
      module,
      canUnlock: lock.state === 'locked' && this.#platform === 'linux',
      ...(lock.state === 'none' ? { message: `This machine has no keychain: ${lock.reason}.` } : {}),
    });
    let backend: SecretBackend;
    try {
      backend = await this.#loaded();
    } catch (error) {
      return describe(
        { state: 'none', reason: (error as Error).message.replace(/^.*?: /, '').replace(/\.$/, '') },
        null,
      );
    }
    return describe(await this.#lock(backend), backend.module);
  }

  async #lock(backend: SecretBackend): Promise<Lock> {
    if (this.#platform === 'linux') return await this.#secretService.lock();
    try {
      await backend.get(this.#service, 'is-it-open');
      return { state: 'ready' };
    } catch (error) {
      return lockFrom(error);
    }
  }

  /** One at a time: each call holds a thread of the process's small pool, for as long as the system may ask the person. */
  #use<T>(work: (backend: SecretBackend) => Promise<T>): Promise<T> {
    const turn = this.#queue.then(async () => {
      const backend = await this.#loaded();
      if (this.#platform === 'linux') refuse(await this.#secretService.lock());
      try {
        return await work(backend);
      } catch (error) {
        refuse(await this.#lock(backend));
        throw failed(error);
      }
    });
    this.#queue = turn.catch(() => {});
    return turn;
  }

  #loaded(): Promise<SecretBackend> {
    this.#backend ??= loadBackend(this.#load);
    return this.#backend;
  }
}

function failed(error: unknown): IpcFailure {
  const { message } = error as Error;
  // keytar continues speaking to a keyring daemon that is no longer there
  const isStale = /The name :[\d.]+ was not provided/.test(message);
  const hint = isStale ? { hint: 'The keychain service restarted. Restart StreamHub to use it again.' } : {};
  return failure('KEYCHAIN_FAILED', { reason: message }, { cause: error, ...hint });
}

const WORDS: Record<Lock['state'], { message: string; hint: string | null }> = {
  ready: { message: 'Credentials are stored in the keychain.', hint: null },
  locked: { message: 'The keychain is locked.', hint: 'Unlock it, or keep credentials only for this session.' },
  none: {
    message: 'This machine has no keychain.',
    hint: 'Credentials can be kept until the app quits. On Linux, install GNOME Keyring, KWallet or KeePassXC to get a keychain.',
  },
};

function refuse(lock: Lock): void {
  if (lock.state === 'locked') throw failure('KEYCHAIN_LOCKED', {}, { hint: WORDS.locked.hint ?? '' });
  if (lock.state === 'none') throw failure('KEYCHAIN_NONE', { reason: lock.reason }, { hint: WORDS.none.hint ?? '' });
}

function lockFrom(error: unknown): Lock {
  if (error instanceof IpcFailure) return { state: 'none', reason: error.message };
  const { message } = error as Error;
  return /interaction is not allowed|-25308|locked/i.test(message)
    ? { state: 'locked' }
    : { state: 'none', reason: message };
}
