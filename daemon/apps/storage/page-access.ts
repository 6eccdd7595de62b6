import { LRUCache } from 'lru-cache';
import { currentLocation, locationId, type StorageBlock, type StorageLocation } from './location.ts';

/** Whether buckets let pages of other sites read them (CORS), as last seen: by a test, before a recording, or set by us. */
export class PageAccess {
  readonly #answers = new LRUCache<string, boolean>({ max: 5000 });

  note(location: StorageLocation, isOpen: boolean): void {
    this.#answers.set(locationId(location), isOpen);
  }

  /** False also where it isn't known. */
  isRefused(block: StorageBlock): boolean {
    return this.#answers.get(locationId(currentLocation(block))) === false;
  }
}
