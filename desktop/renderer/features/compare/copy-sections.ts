import { rewriteConfig } from '#shared/config/edit.ts';
import { parseConfig } from '#shared/config/parse.ts';
import { own, put, sameValue, unshared } from '#shared/config/values.ts';

/** Identity of an app: never copied from one to another. */
const OWN = new Set(['name', 'room_prefix', 'display_name']);
/** Keys inside a section that belong to the app: names of its stored secrets, and the address of its own bucket. */
const OWN_INSIDE = /(?:^|_)(?:public_url|access_key_env|secret_key_env|password_env|secret_env|key|secret)$/;

export interface SectionDifference {
  name: string;
  /** Both have it and it is the same, or how it differs. */
  state: 'same' | 'differs' | 'only-left' | 'only-right';
  isCopyable: boolean;
}

/** The top-level sections of two configs and whether they differ. Null when one cannot be read. */
export function compareSections(left: string, right: string): SectionDifference[] | null {
  const [a, b] = [parseConfig(left).value, parseConfig(right).value];
  if (a === null || b === null) return null;
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].map((name) => {
    const [x, y] = [own(a, name), own(b, name)];
    const state = x === undefined ? 'only-right' : y === undefined ? 'only-left' : sameValue(x, y) ? 'same' : 'differs';
    return { name, state, isCopyable: !OWN.has(name) };
  });
}

/** The target's text with the chosen sections from the source, edited in place. The app's own values stay. */
export function copySections(source: string, target: string, names: readonly string[]): string {
  const from = parseConfig(source).value;
  const parsed = parseConfig(target);
  if (from === null || parsed.value === null) throw new Error('A config that cannot be read cannot be copied.');
  const value = unshared(parsed.value);
  for (const name of names) {
    if (OWN.has(name)) continue;
    const next = own(from, name);
    if (next === undefined) delete value[name];
    else put(value, name, keepOwn(next, own(value, name)));
  }
  return rewriteConfig(parsed, value).text;
}

function keepOwn(next: unknown, before: unknown): unknown {
  if (typeof next !== 'object' || next === null || Array.isArray(next)) return next;
  const copy = unshared(next as Record<string, unknown>);
  for (const key of new Set([
    ...Object.keys(copy),
    ...(typeof before === 'object' && before !== null ? Object.keys(before) : []),
  ])) {
    if (!OWN_INSIDE.test(key)) continue;
    const kept = own(before, key);
    if (kept === undefined) delete copy[key];
    else put(copy, key, kept);
  }
  return copy;
}
