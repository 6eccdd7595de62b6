import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { FairTurns } from '#daemon/platform/fair-turns.ts';
import { addressKey } from '#daemon/platform/http/client-address.ts';
import { ApiError } from '#shared/errors.ts';

const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);

const COST = { N: 32_768, r: 8, p: 1 };
const KEY_BYTES = 64;
/** 32 MiB each, and one of the four threads of the pool stays free for others. */
const AT_ONCE = 3;
/** Of these, by callers who have shown nothing yet: strangers never keep everyone else from signing in. */
const AT_ONCE_BY_STRANGERS = 2;
const MAY_WAIT = 64;

/** For whom a password is hashed. */
export interface Hasher {
  /** Client address. The addresses take turns; null = the daemon itself. */
  ip: string | null;
  /** True when the caller has shown a session or a link, or the account has signed in from the address before. */
  isKnown: boolean;
}

/** The daemon itself, or a command on its machine. */
export const OURSELVES: Hasher = { ip: null, isKnown: true };

/**
 * Salted scrypt on the thread pool, a few at a time. Those who wait take turns by their address, and a part is kept for callers
 * who are known. One more than may wait is refused.
 */
export class Passwords {
  readonly #cost: Cost;
  /** Compared against where there is no account, so that both cases take the same time. */
  readonly #nobody: string;
  readonly #turns = new FairTurns();

  /** @param cost of new hashes; a lower one is for tests only */
  constructor(cost: Cost = COST) {
    this.#cost = cost;
    this.#nobody = encode(cost, randomBytes(16), randomBytes(KEY_BYTES));
  }

  async hash(password: string, by: Hasher): Promise<string> {
    const salt = randomBytes(16);
    return encode(this.#cost, salt, await this.#derive(password, { cost: this.#cost, salt, bytes: KEY_BYTES }, by));
  }

  /** True when the password fits. Without a stored hash the same work is done for nothing. */
  async verify(password: string, stored: string | null | undefined, by: Hasher): Promise<boolean> {
    const known = stored ? decode(stored) : undefined;
    const { cost, salt, key } = known ?? (decode(this.#nobody) as Decoded);
    const derived = await this.#derive(password, { cost, salt, bytes: key.length }, by);
    return timingSafeEqual(derived, key) && known !== undefined;
  }

  async #derive(password: string, { cost, salt, bytes }: Derivation, { ip, isKnown }: Hasher): Promise<Buffer> {
    const group = isKnown ? 'known' : 'strangers';
    const bounds = { all: AT_ONCE, [group]: isKnown ? AT_ONCE : AT_ONCE_BY_STRANGERS };
    if (this.#turns.waiting(group) >= MAY_WAIT)
      throw new ApiError('OVERLOADED', {}, { headers: { 'retry-after': '5' } });
    return this.#turns.run(ip === null ? '' : addressKey(ip), bounds, () =>
      derive(password.normalize('NFKC'), salt, bytes, { ...cost, maxmem: 256 * 1024 * 1024 }),
    );
  }
}

interface Derivation {
  cost: Cost;
  salt: Buffer;
  bytes: number;
}
/** Parameters of scrypt. */
export interface Cost {
  N: number;
  r: number;
  p: number;
}
interface Decoded {
  cost: Cost;
  salt: Buffer;
  key: Buffer;
}

/** `scrypt$N$r$p$salt$key`, so that the cost can be raised without losing what is stored. */
function encode({ N, r, p }: Cost, salt: Buffer, key: Buffer): string {
  return ['scrypt', N, r, p, salt.toString('base64url'), key.toString('base64url')].join('$');
}

function decode(stored: string): Decoded | undefined {
  const parts = /^scrypt\$(\d{1,7})\$(\d{1,2})\$(\d)\$([\w-]{16,})\$([\w-]{43,})$/.exec(stored);
  if (parts === null) return undefined;
  const [, N, r, p, salt, key] = parts as unknown as [string, string, string, string, string, string];
  const cost = { N: Number(N), r: Number(r), p: Number(p) };
  if (cost.N > 1 << 17 || cost.r > 16) return undefined;
  return { cost, salt: Buffer.from(salt, 'base64url'), key: Buffer.from(key, 'base64url') };
}
