import { distance } from 'fastest-levenshtein';

/** The known name that a misspelt one is closest to. Case, `-` and `_` don't count. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  if (name.length > 60) return undefined;
  const plain = snake(name);
  const ranked = names.map((other) => ({ other, away: distance(plain, snake(other)) })).sort((a, b) => a.away - b.away);
  const best = ranked[0];
  return best !== undefined && best.away <= Math.max(1, Math.floor(best.other.length / 3)) ? best.other : undefined;
}

const snake = (name: string): string =>
  name.replaceAll('-', '_').replace(/[A-Z]+/g, (letters, at) => `${at === 0 ? '' : '_'}${letters.toLowerCase()}`);
