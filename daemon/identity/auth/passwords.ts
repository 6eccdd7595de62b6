import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import pLimit from 'p-limit';
import { ApiError } from '#shared/errors.ts';

const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);

const COST = { N: 32_768, r: 8, p: 1 };
const KEY_BYTES = 64;
/** 32 MiB each: two at a time keep both the memory and the thread pool free for others. */
const AT_ONCE = 2;
const MAY_WAIT = 64;

/** Salted scrypt on the thread pool, a few at a time; one more than may wait is refused. */
export class Passwords {
  /** Compared against where there is no account, so that both cases take the same time. */
  readonly #nobody = encode(COST, randomBytes(16), randomBytes(KEY_BYTES));
  readonly #limit = pLimit(AT_ONCE);

  async hash(password: string): Promise<string> {
    const salt = randomBytes(16);
    return encode(COST, salt, await this.#derive(password, salt, KEY_BYTES, COST));
  }

  /** True when the password fits. Without a stored hash the same work is done for nothing. */
  async verify(password: string, stored: string | null | undefined): Promise<boolean> {
    const known = stored ? decode(stored) : undefined;
    const { cost, salt, key } = known ?? (decode(this.#nobody) as Decoded);
    const derived = await this.#derive(password, salt, key.length, cost);
    return timingSafeEqual(derived, key) && known !== undefined;
  }

  async #derive(password: string, salt: Buffer, bytes: number, cost: Cost): Promise<Buffer> {
    if (this.#limit.pendingCount >= MAY_WAIT) throw new ApiError('OVERLOADED', {}, { headers: { 'retry-after': '5' } });
    return this.#limit(() => derive(password.normalize('NFKC'), salt, bytes, { ...cost, maxmem: 256 * 1024 * 1024 }));
  }
}

interface Cost {
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
