import type { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { ApiError } from '#shared/errors.ts';

const QUARTER_HOUR = 900;

/** Counters: attempts allowed in a window of seconds. */
export interface Allowance {
  points: number;
  seconds: number;
}
export interface RateLimitOptions {
  /** Attempts and window of the sign-in counters (AUTH_RATE_LIMIT_…). */
  signIn: Allowance;
}

const ALLOWANCES = {
  /** Wrong passwords and codes of one account; of those, by callers who had shown a proof; and from one address. */
  account: { points: 10, seconds: QUARTER_HOUR },
  'account-proven': { points: 10, seconds: QUARTER_HOUR },
  'account-address': { points: 10, seconds: QUARTER_HOUR },
  /** Invitations and confirmations mailed for one team, and to one address. */
  'mail-team': { points: 60, seconds: 3600 },
  'mail-address': { points: 6, seconds: 3600 },
  /** Links mailed to one address, and asked for from one. */
  'magic-email': { points: 3, seconds: QUARTER_HOUR },
  'magic-ip': { points: 10, seconds: QUARTER_HOUR },
  /** Viewers’ requests from one address, behind which there can be a whole office. */
  watch: { points: 1200, seconds: 60 },
  'magic-cooldown': { points: 1, seconds: 60 },
} as const satisfies Record<string, Allowance>;
const SIGN_IN = ['sign-in', 'sign-up', 'password'] as const;

export type Counter = keyof typeof ALLOWANCES | (typeof SIGN_IN)[number];

export interface Taken {
  allowed: boolean;
  limit: Allowance;
  remaining: number;
  /** Seconds until the window ends. */
  reset: number;
}

/** Counts attempts in memory; the counting library is loaded with the first attempt. */
export class RateLimits {
  readonly #options: RateLimitOptions;
  #limiters: Promise<ReadonlyMap<Counter, RateLimiterMemory>> | undefined;

  constructor(options: RateLimitOptions) {
    this.#options = options;
  }

  /** Forgets what was counted; afterwards the options of now hold. */
  restart(): void {
    this.#limiters = undefined;
  }

  /** Counts one attempt. */
  async take(counter: Counter, key: string): Promise<Taken> {
    const limiter = await this.#limiter(counter);
    try {
      return this.#taken(counter, await limiter.consume(key), true);
    } catch (result) {
      if (result instanceof Error) throw result;
      return this.#taken(counter, result as RateLimiterRes, false);
    }
  }

  /** Counts nothing: would a further attempt be allowed? */
  async look(counter: Counter, key: string): Promise<Taken> {
    const limiter = await this.#limiter(counter);
    const result = await limiter.get(key);
    const limit = this.#allowance(counter);
    if (result === null) return { allowed: true, limit, remaining: limit.points, reset: limit.seconds };
    return this.#taken(counter, result, result.consumedPoints < limit.points);
  }

  /** @throws ApiError RATE_LIMITED when the counter is used up */
  async refuseSpent(counter: Counter, key: string): Promise<void> {
    const taken = await this.look(counter, key);
    if (!taken.allowed) throw tooMany(counter, taken);
  }

  /** Counts one attempt, no matter what was counted before. */
  async spend(counter: Counter, key: string): Promise<void> {
    await this.take(counter, key);
  }

  #allowance(counter: Counter): Allowance {
    return counter in ALLOWANCES ? ALLOWANCES[counter as keyof typeof ALLOWANCES] : this.#options.signIn;
  }

  #taken(counter: Counter, result: RateLimiterRes, allowed: boolean): Taken {
    const limit = this.#allowance(counter);
    return {
      allowed,
      limit,
      remaining: Math.max(0, limit.points - result.consumedPoints),
      reset: Math.max(1, Math.ceil(result.msBeforeNext / 1000)),
    };
  }

  async #limiter(counter: Counter): Promise<RateLimiterMemory> {
    this.#limiters ??= import('rate-limiter-flexible').then((library) => {
      const counters = [...SIGN_IN, ...(Object.keys(ALLOWANCES) as (keyof typeof ALLOWANCES)[])];
      return new Map<Counter, RateLimiterMemory>(
        counters.map((name) => {
          const { points, seconds } = this.#allowance(name);
          return [name, new library.RateLimiterMemory({ keyPrefix: name, points, duration: seconds })];
        }),
      );
    });
    return (await this.#limiters).get(counter) as RateLimiterMemory;
  }
}

/** `RateLimit-Policy` and `RateLimit` as structured fields. */
export function rateHeaders(counter: Counter, taken: Taken): Record<string, string> {
  return {
    'ratelimit-policy': `"${counter}";q=${taken.limit.points};w=${Math.ceil(taken.limit.seconds)}`,
    ratelimit: `"${counter}";r=${taken.remaining};t=${taken.reset}`,
  };
}

export function tooMany(counter: Counter, taken: Taken): ApiError {
  return new ApiError(
    'RATE_LIMITED',
    { seconds: taken.reset },
    {
      headers: { ...rateHeaders(counter, taken), 'retry-after': String(taken.reset) },
      extra: { data: null, error: 'rate_limited', retryAfterSeconds: taken.reset },
    },
  );
}
