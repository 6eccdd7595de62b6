import { StorageError } from './storage-error.ts';
import type { ObjectInfo } from './storage-provider.ts';

/** Pages that may be empty or almost so: storages skip what was deleted, and send such pages then. */
const THIN_PAGES = 1000;
/** Keys of all other pages, on average. Storages fill a page with up to 1000. */
const KEYS_A_PAGE = 100;
/** More than the segments of an app's recordings of ten years. */
const MOST_KEYS = 20_000_000;

export interface ListedPage {
  /** Where the next page begins, in the storage's words; undefined = not known. */
  next?: string | undefined;
  /** First key, where a key can't be on two pages. */
  first?: string | undefined;
  /** Keys that were asked for. */
  count: number;
}

/**
 * Ends a listing that would never end: one that repeats itself, or that continues with next to nothing. Not every storage
 * lists in the order of its keys, so an earlier page is remembered instead (Brent's algorithm, which finds every cycle).
 */
export class ListingLimit {
  #pages = 0;
  #keys = 0;
  #remembered: ListedPage | undefined;
  #rememberNext = 1;

  /** Takes note of a page. @throws StorageError LISTING_ENDLESS */
  add(page: ListedPage): void {
    this.#pages += 1;
    this.#keys += page.count;
    const before = this.#remembered;
    if (page.next !== undefined && page.next === before?.next) endless('It points to the same page twice.');
    if (page.first !== undefined && page.first === before?.first) endless('It repeats a page.');
    if (this.#pages > THIN_PAGES + this.#keys / KEYS_A_PAGE)
      endless(`Of ${this.#pages} pages, most are empty or almost so.`);
    if (this.#keys > MOST_KEYS) endless(`It has more than ${MOST_KEYS} keys.`);
    if (this.#pages < this.#rememberNext) return;
    this.#remembered = page;
    this.#rememberNext *= 2;
  }
}

/** The pages of a listing, as long as it is one that ends. @throws StorageError LISTING_ENDLESS */
export async function* limitedPages(
  pages: AsyncIterable<{ objects: ObjectInfo[]; next?: string | undefined }>,
  prefix: string,
): AsyncGenerator<ObjectInfo[]> {
  const limit = new ListingLimit();
  for await (const { objects, next } of pages) {
    const count = objects.filter(({ key }) => key.startsWith(prefix)).length;
    limit.add({ next, first: objects[0]?.key, count });
    yield objects;
  }
}

function endless(detail: string): never {
  throw new StorageError('LISTING_ENDLESS', { detail });
}
