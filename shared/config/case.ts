/** `split_minutes` as a type: `splitMinutes`. */
type CamelKey<S> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<CamelKey<Tail>>}` : S;

/** The same data with camelCase keys, as the API speaks it. */
export type Camel<T> = T extends readonly (infer Item)[]
  ? Camel<Item>[]
  : T extends object
    ? { [K in keyof T as CamelKey<K>]: Camel<T[K]> }
    : T;

export const camelKey = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
const snakeKey = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function mapKeys(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => mapKeys(item, rename));
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [rename(name), mapKeys(item, rename)]));
}

/** Renames every key of plain data to camelCase. */
export const toCamel = <T>(value: T): Camel<T> => mapKeys(value, camelKey) as Camel<T>;
/** Renames every key of plain data to snake_case. */
export const toSnake = (value: unknown): unknown => mapKeys(value, snakeKey);

/** A mapping, and neither a list nor null. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
