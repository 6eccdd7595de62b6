import { hash } from 'node:crypto';
import { addressKey } from '#daemon/platform/http/client-address.ts';
import { KeyedLock } from '#daemon/platform/keyed-lock.ts';
import { ApiError, type ErrorCode } from '#shared/errors.ts';
import type { RateLimits } from '../security/rate-limits.ts';
import type { Hasher } from './passwords.ts';
import type { SessionRepository } from './session-repository.ts';

/** Refusals that mean "a wrong password or code was tried". */
const WRONG: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'BAD_LOGIN',
  'WRONG_PASSWORD',
  'TOTP_INVALID',
  'TOTP_WRONG_CODE',
]);
/** Loopback can always try, with a separate counter. */
const LOOPBACK: readonly string[] = ['127.0.0.1', '::1'];

export interface AttemptsDeps {
  limits: RateLimits;
  sessions: SessionRepository;
}

/** Who tries. */
export interface Attempt {
  /** Id of the account; `unknownAccount(name)` when no account has the name. */
  account: string;
  /** Client address. */
  ip: string;
  /** True when the caller has shown a session, a mailed link or the right password before. */
  proven: boolean;
}

/**
 * One counter per account for every password and code that is tried on it, from any address. Checks of one account run
 * one after the other, so parallel guesses can't pass the counter. Two rules keep strangers from locking the owner out:
 * guesses without any proof don't stop a caller who has shown one, and an address that the account has signed in from
 * has a counter for itself.
 */
export class AccountAttempts {
  readonly #deps: AttemptsDeps;
  readonly #lock = new KeyedLock();

  constructor(deps: AttemptsDeps) {
    this.#deps = deps;
  }

  /** Runs a check and counts it when it refuses a password or a code. @throws ApiError RATE_LIMITED */
  check<T>(attempt: Attempt, work: (by: Hasher) => Promise<T>): Promise<T> {
    return this.#lock.run(attempt.account, async () => {
      const { ip, proven } = attempt;
      const isHome = this.#isHome(attempt);
      await this.#refuseSpent(attempt, isHome);
      try {
        return await work({ ip, isKnown: proven || isHome });
      } catch (error) {
        if (error instanceof ApiError && WRONG.has(error.code)) await this.#count(attempt);
        throw error;
      }
    });
  }

  /** Has the account signed in from this address, or is it this machine? */
  #isHome({ account, ip }: Attempt): boolean {
    const key = addressKey(ip);
    return LOOPBACK.includes(key) || this.#deps.sessions.addresses(account).some((known) => addressKey(known) === key);
  }

  async #refuseSpent(attempt: Attempt, isHome: boolean): Promise<void> {
    const { limits } = this.#deps;
    const { account, proven } = attempt;
    const counter = proven ? 'account-proven' : 'account';
    const taken = await limits.look(counter, account);
    if (taken.allowed) return;
    if (isHome) await limits.refuseSpent('account-address', addressOf(attempt));
    else await limits.refuseSpent(counter, account);
  }

  async #count(attempt: Attempt): Promise<void> {
    const { limits } = this.#deps;
    await limits.spend('account', attempt.account);
    if (attempt.proven) await limits.spend('account-proven', attempt.account);
    await limits.spend('account-address', addressOf(attempt));
  }
}

/** The counter of a name that no account has: it behaves like the one of an account, so it tells nothing. */
export const unknownAccount = (name: string): string => `name:${hash('sha256', name, 'base64url')}`;

const addressOf = ({ account, ip }: Attempt): string => `${account} ${addressKey(ip)}`;
