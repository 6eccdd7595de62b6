import { LRUCache } from 'lru-cache';
import type { S3View } from '#shared/schema/s3.ts';
import { locationId, type StorageLocation } from './location.ts';

export type LastUse = NonNullable<S3View['lastUse']>;

/** How each storage was when it was last used since the daemon's start: what its credentials alone can't tell. */
export class LastUses {
  readonly #uses = new LRUCache<string, LastUse>({ max: 5000 });

  /** Why uses by StreamHub itself fail since one failed. A test may have other settings, so its failure doesn't count. */
  readonly #away = new LRUCache<string, string>({ max: 5000 });

  note(app: string, location: StorageLocation, use: Omit<LastUse, 'at'>): void {
    const key = keyOf(app, location);
    this.#uses.set(key, { ...use, at: new Date().toISOString() });
    if (use.ok) this.#away.delete(key);
    else if (use.what !== 'test') this.#away.set(key, use.reason ?? 'It refused an object.');
  }

  /** Apps with a storage that failed when it was last used. */
  appsInTrouble(): Set<string> {
    return new Set([...this.#away.keys()].map((key) => key.slice(0, key.indexOf(' '))));
  }

  awayReason(app: string, location: StorageLocation): string | undefined {
    return this.#away.get(keyOf(app, location));
  }

  of(app: string, location: StorageLocation): LastUse | null {
    return this.#uses.get(keyOf(app, location)) ?? null;
  }
}

const keyOf = (app: string, location: StorageLocation): string => `${app} ${locationId(location)}`;
