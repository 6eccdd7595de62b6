import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { valueAt } from '#shared/config/cross-checks.ts';
import { parseConfig } from '#shared/config/parse.ts';
import { trimSlashes } from '../keys.ts';

export interface SharedPrefixQuestion {
  app: string;
  bucket: string;
  /** Without edge slashes, not empty. */
  prefix: string;
  folders: { apps: string; archive: string };
}

/**
 * Who else may have objects below `<prefix>/snapshots/` of that bucket: another app, or one that was deleted without its
 * recordings and can still be restored. Undefined = nobody. A config that cannot be read counts when it mentions the prefix.
 */
export async function whoShares(question: SharedPrefixQuestion): Promise<string | undefined> {
  const { app, folders } = question;
  for (const [folder, kind] of [
    [folders.apps, 'the app'],
    [folders.archive, 'the archived app'],
  ] as const) {
    const names = await readdir(folder).catch(() => [] as string[]);
    for (const name of names.filter((entry) => !entry.startsWith('.'))) {
      if (kind === 'the app' && name === app) continue;
      const text = await readFile(path.join(folder, name, 'config.yaml'), 'utf8').catch(() => undefined);
      if (text !== undefined && mayShare(text, name, question)) return `${kind} ${name}`;
    }
  }
  return undefined;
}

function mayShare(text: string, folder: string, { bucket, prefix }: SharedPrefixQuestion): boolean {
  const name = folder.replace(/-\d{8}T\d{9}Z.*$/, '');
  const byDefault = prefix === `streamhub/${name}`;
  // Parsing a thousand configs takes seconds; one that does not even mention the prefix is not parsed.
  const isPlain = /^[\w./-]+$/.test(prefix) && !prefix.includes('/snapshots') && !text.includes('\\');
  if (isPlain && !byDefault && !text.includes(prefix)) return false;
  const { value } = parseConfig(text);
  if (value === null) return text.includes(prefix) || byDefault;
  if (valueAt(value, 's3', 'bucket') !== bucket) return false;
  const own = valueAt(value, 's3', 'prefix');
  const other = trimSlashes(typeof own === 'string' ? own : `streamhub/${name}`);
  return (
    other === prefix || `${other}/`.startsWith(`${prefix}/snapshots/`) || `${prefix}/`.startsWith(`${other}/snapshots/`)
  );
}
