import { isRecord } from '#shared/config/case.ts';
import { own, sameValue } from '#shared/config/values.ts';
import { REFERENCES } from '../values.ts';

/** In place of a stored value, if nobody can tell which one it is. */
export const UNCLEAR = Symbol('unclear');

type Given = ReadonlyMap<string, string>;

/**
 * What a stored text has in place of the references in a wanted one. Undefined: the texts around them differ.
 * @param pieces the wanted text, split at its references, with their names in between
 */
export function storedParts(
  pieces: readonly string[],
  stored: unknown,
  given: Given,
): ReadonlyMap<string, string> | undefined {
  if (typeof stored !== 'string') return undefined;
  return partsOf(pieces, stored, given) ?? partsOf(pieces, stored, new Map());
}

function partsOf(pieces: readonly string[], stored: string, given: Given): Map<string, string> | undefined {
  const names: string[] = [];
  const texts = [pieces[0] as string];
  for (let index = 1; index < pieces.length; index += 2) {
    const [name, after] = pieces.slice(index, index + 2) as [string, string];
    const value = given.get(name);
    if (value !== undefined) texts.push(`${texts.pop()}${value}${after}`);
    else {
      names.push(name);
      texts.push(after);
    }
  }
  const [first = '', ...others] = texts;
  const last = others.pop();
  if (last === undefined) return stored === first ? new Map() : undefined;
  const end = stored.length - last.length;
  if (!stored.startsWith(first) || !stored.endsWith(last) || first.length > end) return undefined;
  const parts = new Map<string, string>();
  let from = first.length;
  for (const [index, text] of [...others, ''].entries()) {
    const at = index === others.length ? end : stored.indexOf(text, from);
    if (at < 0 || at + text.length > end) return undefined;
    parts.set(names[index] as string, stored.slice(from, at));
    from = at + text.length;
  }
  return parts;
}

/** The key of a stored mapping that a wanted key stands for. */
export function storedKey(wanted: string, stored: unknown): string {
  const pieces = wanted.split(REFERENCES);
  if (pieces.length === 1 || !isRecord(stored)) return wanted;
  return Object.keys(stored).find((key) => storedParts(pieces, key, new Map()) !== undefined) ?? wanted;
}

/**
 * The entries of a stored list that the entries of a wanted one stand for: those that are equal but for their references.
 * If there are several, or none and an entry is left over, that is unclear.
 */
export function storedEntries(wanted: readonly unknown[], stored: unknown, given: Given): readonly unknown[] {
  if (!Array.isArray(stored)) return [];
  if (isLike(wanted, stored, given)) return stored;
  const none: Given = new Map();
  const like = wanted.map((one) => stored.filter((old) => isLike(one, old, none)));
  const left = stored.filter((old) => !like.some((list) => list.includes(old)));
  return wanted.map((_, index) => {
    const [first, ...others] = like[index] as unknown[];
    if (first !== undefined) return others.every((other) => sameValue(other, first)) ? first : UNCLEAR;
    // an entry that was edited
    if (wanted.length === stored.length && left.includes(stored[index])) return stored[index];
    return left.length > 0 ? UNCLEAR : undefined;
  });
}

/** Whether a stored value can be a wanted one, with something in place of each reference. */
function isLike(wanted: unknown, stored: unknown, given: Given): boolean {
  if (typeof wanted === 'string') {
    const pieces = wanted.split(REFERENCES);
    const text = typeof stored === 'number' || typeof stored === 'boolean' ? String(stored) : stored;
    if (pieces.length === 1) return wanted === stored;
    return typeof text === 'string' && partsOf(pieces, text, given) !== undefined;
  }
  if (Array.isArray(wanted))
    return (
      Array.isArray(stored) &&
      wanted.length === stored.length &&
      wanted.every((one, index) => isLike(one, stored[index], given))
    );
  if (!isRecord(wanted)) return sameValue(wanted, stored);
  const entries = Object.entries(wanted).map(([key, one]) => [storedKey(key, stored), one] as const);
  return (
    isRecord(stored) &&
    entries.length === Object.keys(stored).length &&
    entries.every(([key, one]) => Object.hasOwn(stored, key) && isLike(one, own(stored, key), given))
  );
}
