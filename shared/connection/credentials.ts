import { failure, IpcFailure } from '../ipc/failure.ts';
import { packSecret, type Secret, unpackSecret } from './secret.ts';
import { signIn } from './sign-in.ts';
import type { Transport } from './transport.ts';

export interface CredentialsOptions {
  /** The connection's name, for messages. */
  name(): string;
  /** @throws KEYCHAIN_LOCKED and its kin */
  read(): Promise<string | null>;
  /** Puts a renewed session in the place of the old one. */
  write(secret: string): Promise<void>;
}

/** The credential of one connection: read from the secret store once, renewed where a password is kept, not sent again after a refusal. */
export class Credentials {
  readonly #options: CredentialsOptions;
  #secret: Secret | undefined;
  #refusal: { token: string; why: IpcFailure } | undefined;
  #renewing: Promise<boolean> | undefined;

  constructor(options: CredentialsOptions) {
    this.#options = options;
  }

  /** @throws NO_CREDENTIAL, what the secret store says, or why the daemon refused it last */
  async current(): Promise<Secret> {
    if (this.#secret === undefined) {
      const text = await this.#options.read();
      this.#secret = text === null ? undefined : unpackSecret(text);
    }
    if (this.#secret === undefined)
      throw failure('NO_CREDENTIAL', { name: this.#options.name() }, { hint: 'Sign in again.' });
    if (this.#refusal?.token === this.#secret.token) throw this.#refusal.why;
    return this.#secret;
  }

  /** The daemon refused it: it is not sent again before a person asks for that. */
  refuse({ token }: Secret, why: IpcFailure): void {
    this.#refusal = { token, why };
  }

  /** A person asks: what was refused may be tried again. */
  allow(): void {
    this.#refusal = undefined;
  }

  /** Another one is in the secret store now. */
  forget(): void {
    this.#secret = undefined;
    this.#refusal = undefined;
  }

  /**
   * Opens a new session with the kept password, one attempt for all who ask at the same time.
   * @returns true when `current` is another one than `used` afterwards
   * @throws what keeps the daemon from giving one
   */
  renew(used: Secret, transport: Transport): Promise<boolean> {
    this.#renewing ??= this.#openSession(used, transport).finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #openSession(used: Secret, transport: Transport): Promise<boolean> {
    if (this.#secret !== undefined && this.#secret.token !== used.token) return true;
    if (used.kind !== 'password') return false;
    const { user, password } = used;
    let fresh: Secret;
    try {
      fresh = await signIn(transport, { kind: 'password', user, password });
    } catch (error) {
      if (error instanceof IpcFailure && FOR_THE_PERSON.has(error.code)) this.refuse(used, error);
      throw error;
    }
    if (this.#secret !== used) return this.#secret !== undefined;
    this.#secret = fresh;
    // a secret store that cannot take it now holds the old session and, what counts, the password
    await this.#options.write(packSecret(fresh)).catch(() => {});
    return true;
  }
}

const FOR_THE_PERSON: ReadonlySet<string> = new Set([
  'SIGN_IN_FAILED',
  'SECOND_FACTOR_REQUIRED',
  'SECOND_FACTOR_INVALID',
  'NO_PASSWORD_SIGN_IN',
]);
