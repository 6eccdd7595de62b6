import { isRecord } from './case.ts';

/** Same plain data; the order of keys does not count. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b) || a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => sameValue(item, b[index]));
  if (!isRecord(a) || !isRecord(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameValue(a[key], b[key]))
  );
}

/** Dotted keys whose values differ; a list counts as one value. */
export function changedKeys(before: unknown, after: unknown, path = ''): string[] {
  if (sameValue(before, after)) return [];
  const keys = new Set([
    ...(isRecord(before) ? Object.keys(before) : []),
    ...(isRecord(after) ? Object.keys(after) : []),
  ]);
  if (keys.size === 0 || (!isRecord(before) && before !== undefined) || (!isRecord(after) && after !== undefined))
    return [path];
  return [...keys].flatMap((key) =>
    changedKeys(own(before, key), own(after, key), path === '' ? key : `${path}.${key}`),
  );
}

/** A value's own key, or undefined. */
export function own(value: unknown, key: string): unknown {
  return isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** Sets a key, also one that the language treats specially. */
export function put(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}

/** A copy in which nothing is shared: what was one object through an alias becomes two. */
export function unshared<T>(value: T): T {
  if (Array.isArray(value)) return value.map(unshared) as T;
  if (!isRecord(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) put(copy, key, unshared(item));
  return copy as T;
}
