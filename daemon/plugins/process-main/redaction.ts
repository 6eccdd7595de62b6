import { StorageError } from '#shared/plugin-sdk/storage-error.ts';

/** Shorter values occur in any text. */
const SHORTEST_SECRET = 4;

const secrets = new Set<string>();

/** Keeps credentials, however they are written, out of what this process reports. */
export function conceal(credentials: Readonly<Record<string, string>>): void {
  for (const value of Object.values(credentials)) {
    const inUrl = encodeURIComponent(value.toWellFormed());
    const inJson = JSON.stringify(value).slice(1, -1);
    const { native = '' } = new StorageError('FAILED', { native: value });
    for (const form of [value, inUrl, inJson, native]) if (form.length >= SHORTEST_SECRET) secrets.add(form);
  }
}

/** A text without the credentials that this process was given. */
export const redacted = (text: string): string =>
  [...secrets]
    .sort((a, b) => b.length - a.length) // one may contain another
    .reduce((shown, secret) => shown.replaceAll(secret, '[redacted]'), text);

/** The same, with each of its texts redacted. */
export const withoutSecrets = <T extends object>(report: T): T =>
  Object.fromEntries(
    Object.entries(report).map(([name, value]) => [name, typeof value === 'string' ? redacted(value) : value]),
  ) as T;
