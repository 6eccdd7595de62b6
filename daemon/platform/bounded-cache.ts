import { LRUCache } from 'lru-cache';

/**
 * A map of at most `max` entries that drops the least recently used one. Counted as a size, because `lru-cache` reserves
 * memory for all entries of a plain `max` when it is created.
 */
export const boundedCache = <K extends {}, V extends {}>(max: number): LRUCache<K, V> =>
  new LRUCache<K, V>({ maxSize: max, sizeCalculation: () => 1 });
