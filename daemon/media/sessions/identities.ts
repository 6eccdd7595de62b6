import { createHmac } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { AppConfig } from '#shared/config/defaults.ts';

/** Longest identity and name that are kept; LiveKit sets no limit below these. */
const MAX_TEXT = 256;
const HASH_PREFIX = 'h-';

type Identities = AppConfig['analytics']['identities'];

/** What is kept of identities, by `analytics.identities`. Hashes of one app can't be compared with those of another. */
export class IdentityKeeper {
  readonly #derive: (use: string) => Buffer;
  readonly #keys = new LRUCache<number, Buffer>({ max: 1000 });

  /** @param derive makes a key for a use, from a secret of the daemon */
  constructor(derive: (use: string) => Buffer) {
    this.#derive = derive;
  }

  /** The identity as it is stored; null = it isn't. */
  kept(appId: number, mode: Identities, identity: string): string | null {
    if (mode === 'none' || identity === '') return null;
    return mode === 'hashed' ? this.hashOf(appId, identity) : identity.slice(0, MAX_TEXT);
  }

  /** A name can tell who someone is, so it is kept only with the whole identity. */
  keptName(mode: Identities, name: string): string | null {
    return mode === 'full' && name !== '' ? name.slice(0, MAX_TEXT) : null;
  }

  /** `h-` and 128 bits of a keyed hash. */
  hashOf(appId: number, identity: string): string {
    let key = this.#keys.get(appId);
    if (key === undefined) this.#keys.set(appId, (key = this.#derive(`identities of app ${appId}`)));
    return `${HASH_PREFIX}${createHmac('sha256', key).update(identity).digest('hex').slice(0, 32)}`;
  }
}
