import type { FastifyInstance } from 'fastify';
import { isGlobal } from '#shared/access.ts';
import type { Operation } from '#shared/contract/operation.ts';
import { ApiError } from '#shared/errors.ts';
import { SHARES, type ShareClass, type ShareLimits } from '#shared/rules/shares.ts';
import type { Principal } from '../principal.ts';
import { addressKey, clientAddress } from './client-address.ts';
import { hookOperations } from './hook-operations.ts';

/** The user of a share; without a principal, only the address counts. */
export interface ShareHolder {
  principal: Principal | null;
  /** Client address. */
  ip: string;
}

/**
 * Counts what each caller uses of the things that the daemon has a limited number of. A user or token, a team and an
 * address each have a share, so that one of them can't use up what all others need. Operators are only bound by the
 * total, and a part of it is kept for them.
 */
export class Shares {
  readonly #used = new Map<string, number>();
  readonly #limits: Readonly<Record<ShareClass, ShareLimits>>;

  constructor(limits: Partial<Record<ShareClass, ShareLimits>> = {}) {
    this.#limits = { ...SHARES, ...limits };
  }

  /** Takes one of the class. @returns gives it back; safe to call twice. @throws ApiError SHARE_USED_UP, OVERLOADED */
  take(name: ShareClass, { principal, ip }: ShareHolder): () => void {
    const limits = this.#limits[name];
    const isOperator = principal !== null && isGlobal(principal);
    const held = [name as string];
    if (!isOperator) {
      const address = addressKey(ip);
      const team = principal?.tenantId ?? null;
      this.#refuse(limits, 'one address', limits.address, `${name} address ${address}`, held);
      if (principal !== null)
        this.#refuse(limits, 'one user or token', limits.principal, `${name} principal ${principal.userId}`, held);
      if (team !== null) this.#refuse(limits, 'one team', limits.team, `${name} team ${team}`, held);
    }
    if ((this.#used.get(name) ?? 0) >= limits.total - (isOperator ? 0 : limits.reserve))
      throw new ApiError('OVERLOADED', {}, { headers: { 'retry-after': String(limits.retryAfter) } });
    for (const key of held) this.#used.set(key, (this.#used.get(key) ?? 0) + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      for (const key of held) {
        const left = (this.#used.get(key) ?? 1) - 1;
        if (left === 0) this.#used.delete(key);
        else this.#used.set(key, left);
      }
    };
  }

  #refuse(limits: ShareLimits, holder: string, limit: number, key: string, held: string[]): void {
    if ((this.#used.get(key) ?? 0) >= limit) {
      const seconds = limits.retryAfter;
      throw new ApiError(
        'SHARE_USED_UP',
        { limit, what: limits.what, holder },
        { headers: { 'retry-after': String(seconds) }, extra: { retryAfterSeconds: seconds } },
      );
    }
    held.push(key);
  }
}

/** Holds a share from the check of the credential until the connection has the whole answer, or is closed. */
export function installShares(app: FastifyInstance, shares: Shares): void {
  hookOperations(app, 'onRequest', (op) => {
    const name = shareOf(op);
    if (name === undefined) return undefined;
    return (request, reply, done) => {
      try {
        reply.raw.once('close', shares.take(name, { principal: request.principal, ip: clientAddress(request) }));
        done();
      } catch (error) {
        done(error as Error);
      }
    };
  });
}

/** Every operation with a limit of attempts checks a password or a secret of the same cost. */
const shareOf = (op: Operation): ShareClass | undefined =>
  op.share ?? (op.limit === undefined ? undefined : 'password');
