import { LRUCache } from 'lru-cache';
import type { S3View } from '#shared/schema/s3.ts';
import { locationId, type StorageLocation } from './location.ts';

export type LastUse = NonNullable<S3View['lastUse']>;

/** How each storage was when it was last used since the daemon's start: what its credentials alone can't tell. */
export class LastUses {
  readonly #uses = new LRUCache<string, LastUse>({ max: 5000 });

  note(app: string, location: StorageLocation, use: Omit<LastUse, 'at'>): void {
    this.#uses.set(keyOf(app, location), { ...use, at: new Date().toISOString() });
  }

  of(app: string, location: StorageLocation): LastUse | null {
    return this.#uses.get(keyOf(app, location)) ?? null;
  }
}

const keyOf = (app: string, location: StorageLocation): string => `${app} ${locationId(location)}`;
