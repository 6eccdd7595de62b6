import { hash, timingSafeEqual } from 'node:crypto';
import { boundedCache } from '#daemon/platform/bounded-cache.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import { ApiError, type ErrorCode } from '#shared/errors.ts';
import { JOIN_CODE_PREFIX, type JoinCodeEntry, type JoinCodes } from './join-codes.ts';
import type { NodeEntry } from './node.ts';
import type { NodeRegistry } from './registry.ts';

/** Who calls a node route: a caller with the shared token, a machine with a join code, or a node with its own credential. */
export type ClusterCaller = 'shared' | JoinCodeEntry | NodeEntry;

export const isJoinCode = (caller: ClusterCaller): caller is JoinCodeEntry =>
  typeof caller === 'object' && 'codeHash' in caller;

export const NODE_TOKEN_PREFIX = 'shn_';
const MAX_GUESSES = 30;
const WINDOW_MS = 300_000;
const MAX_ADDRESSES = 10_000;

/** A refusal whose `error` is the same text as `message`, which older agents read. */
export function clusterError(code: ErrorCode, params: Record<string, string | number> = {}): ApiError {
  const plain = new ApiError(code, params);
  return new ApiError(code, params, { extra: { error: plain.message } });
}

/**
 * Checks `X-Cluster-Token` before the body is read. An address that sends too many wrong tokens is refused for a while. Nodes
 * with their own credential are exempt, because that credential cannot be guessed.
 */
export class ClusterAuth {
  readonly #token: () => string;
  readonly #registry: NodeRegistry;
  readonly #codes: JoinCodes;
  readonly #clock: Clock;
  readonly #guesses = boundedCache<string, { count: number; until: number }>(MAX_ADDRESSES);
  readonly #onGuess: (ip: string, count: number) => void;

  constructor(options: {
    /** Empty = clustering is off. */
    token(): string;
    registry: NodeRegistry;
    codes: JoinCodes;
    clock: Clock;
    onGuess(ip: string, count: number): void;
  }) {
    this.#token = options.token;
    this.#registry = options.registry;
    this.#codes = options.codes;
    this.#clock = options.clock;
    this.#onGuess = options.onGuess;
  }

  /** @throws ApiError CLUSTER_DISABLED, RATE_LIMITED, CLUSTER_TOKEN_INVALID, NODE_CREDENTIAL_INVALID, JOIN_CODE_INVALID, NODE_REMOVED */
  authenticate(token: string | undefined, ip: () => string): ClusterCaller {
    const shared = this.#token();
    if (shared === '') throw clusterError('CLUSTER_DISABLED');
    const digest = hash('sha256', token ?? '', 'buffer');
    const isOfNode = token?.startsWith(NODE_TOKEN_PREFIX) === true;
    if (isOfNode) {
      const hex = digest.toString('hex');
      const node = this.#registry.byToken(hex);
      if (node !== undefined) return node;
      if (this.#registry.wasRemoved(hex)) throw clusterError('NODE_REMOVED');
    }
    if (this.#guesses.size > 0) this.#refuseGuesser(ip());
    const isCode = token?.startsWith(JOIN_CODE_PREFIX) === true;
    const code = isCode ? this.#codes.find(digest.toString('hex')) : undefined;
    if (code !== undefined) return code;
    if (token !== undefined && timingSafeEqual(digest, hash('sha256', shared, 'buffer'))) return 'shared';
    if (token !== undefined && token !== '') this.#count(ip());
    if (isCode) throw clusterError('JOIN_CODE_INVALID');
    throw clusterError(isOfNode ? 'NODE_CREDENTIAL_INVALID' : 'CLUSTER_TOKEN_INVALID');
  }

  #refuseGuesser(ip: string): void {
    const known = this.#guesses.get(ip);
    if (known === undefined) return;
    const left = known.until - this.#clock.monotonic();
    if (left <= 0) this.#guesses.delete(ip);
    else if (known.count >= MAX_GUESSES) {
      const seconds = Math.ceil(left / 1000);
      throw new ApiError(
        'RATE_LIMITED',
        { seconds },
        { extra: { retryAfterSeconds: seconds }, headers: { 'retry-after': String(seconds) } },
      );
    }
  }

  #count(ip: string): void {
    const known = this.#guesses.get(ip);
    const count = (known?.count ?? 0) + 1;
    this.#guesses.set(ip, { count, until: known?.until ?? this.#clock.monotonic() + WINDOW_MS });
    this.#onGuess(ip, count);
  }
}
