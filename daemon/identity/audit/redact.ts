import { hideSecrets, isSecretName, NAMING, namesNext } from '#shared/secrets.ts';

const MAX_TEXT = 200;
const MAX_ITEMS = 20;
const MAX_KEYS = 40;
const MAX_DEPTH = 4;
const MAX_JSON = 4096;

/** A short copy of a value for the trail: what a key calls secret is starred, long texts are told by their length. */
export function summarize(value: unknown): Record<string, unknown> | null {
  if (typeof value !== 'object' || value === null) return null;
  const short = shorten(Array.isArray(value) ? { items: value } : value, 0) as Record<string, unknown>;
  if (Object.keys(short).length === 0) return null;
  if (JSON.stringify(short).length <= MAX_JSON) return short;
  return Object.fromEntries(
    Object.entries(short)
      .slice(0, MAX_KEYS)
      .map(([key, entry]) => [key, typeof entry === 'object' && entry !== null ? '(large)' : entry]),
  );
}

function shorten(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return shortText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '…';
  if (Array.isArray(value)) {
    const items = value
      .slice(0, MAX_ITEMS)
      .map((item, at) => (namesNext(value[at - 1]) ? star(item) : shorten(item, depth + 1)));
    return value.length > MAX_ITEMS ? [...items, `… ${value.length - MAX_ITEMS} more`] : items;
  }
  const isNamed = Object.entries(value).some(([key, entry]) => NAMING.test(key) && namesNext(entry));
  const entries = Object.entries(value)
    .filter(([, entry]) => entry !== undefined)
    .slice(0, MAX_KEYS)
    .map(([key, entry]) => [
      key.slice(0, 80),
      isSecret(key, entry) || (isNamed && !NAMING.test(key)) ? star(entry) : shorten(entry, depth + 1),
    ]);
  return Object.fromEntries(entries);
}

/** Numbers and flags such as `hasKey` or `tokens: 3` tell nothing. */
const isSecret = (key: string, value: unknown): boolean =>
  (isSecretName(key, true) || /yaml$/i.test(key)) &&
  typeof value !== 'boolean' &&
  typeof value !== 'number' &&
  value !== null;

const star = (value: unknown): string =>
  typeof value === 'string' && value.length > MAX_TEXT ? `*** (${value.length} characters)` : '***';

function shortText(text: string): string {
  if (text.length > MAX_TEXT) return `(${text.length} characters)`;
  // the query of an address often holds what gives access, under any name
  const isAddress = /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
  return hideSecrets(isAddress ? text.replace(/[?#].*$/s, '?***') : text, '***', true);
}
