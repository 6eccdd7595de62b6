import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { openDatabase } from '#daemon/platform/db/open.ts';
import { ifMissing } from '#daemon/platform/files/file-errors.ts';
import { valueAt } from '#shared/config/cross-checks.ts';
import { parseConfig } from '#shared/config/parse.ts';
import { trimSlashes } from '../keys.ts';

export interface SharedPrefixQuestion {
  app: string;
  bucket: string;
  /** Without edge slashes, not empty. */
  prefix: string;
  /** What is looked at: a folder below the prefix, or empty = all that is below it. */
  below: 'snapshots/' | '';
  folders: { apps: string; archive: string };
}

/** Keys of an app's recordings by bucket. Pictures without a row are below the same prefix as their recording. */
const KEYS = `SELECT storage_bucket AS bucket, file_key AS key FROM vods
  UNION ALL SELECT storage_bucket, snapshot_key FROM vods
  UNION ALL SELECT storage_bucket, snapshot_prefix FROM vods
  UNION ALL SELECT storage_bucket, vod_variants.file_key FROM vod_variants JOIN vods ON vods.id = vod_variants.vod_id
  UNION ALL SELECT storage_bucket, folder FROM live_hls WHERE is_removed = 0`;

/**
 * Who else may have objects below `<prefix>/<below>` of that bucket: another app, or one that was deleted without its
 * recordings and can still be restored. Undefined = nobody. Its config says where it records now, and its database where it
 * did before. A config or database that cannot be read counts when it mentions the prefix.
 */
export async function findSharingApp(question: SharedPrefixQuestion): Promise<string | undefined> {
  const { app, folders } = question;
  for (const [folder, kind] of [
    [folders.apps, 'the app'],
    [folders.archive, 'the archived app'],
  ] as const) {
    const names = await readdir(folder).catch(ifMissing([] as string[]));
    for (const name of names.filter((entry) => !entry.startsWith('.'))) {
      if (kind === 'the app' && name === app) continue;
      const text = await readFile(path.join(folder, name, 'config.yaml'), 'utf8').catch(unlessNone);
      const isSharing = text !== undefined && mayShare(text, name, question);
      if (isSharing || (await hasRecordings(path.join(folder, name, 'app.db'), question))) return `${kind} ${name}`;
    }
  }
  return undefined;
}

/** A folder without a config shares nothing; a config that cannot be read could. */
function unlessNone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
}

function mayShare(text: string, folder: string, { bucket, prefix, below }: SharedPrefixQuestion): boolean {
  const name = folder.replace(/-\d{8}T\d{9}Z.*$/, '');
  const meets = (other: string): boolean =>
    other === prefix ||
    `${other}/`.startsWith(`${prefix}/${below}`) ||
    (below === '' && other === '') ||
    `${prefix}/`.startsWith(`${other}/${below}`);
  const byDefault = meets(`streamhub/${name}`);
  // Parsing a thousand configs takes seconds; one that does not even mention the prefix is not parsed.
  const isPlain = /^[\w./-]+$/.test(prefix) && !prefix.includes('/snapshots') && !text.includes('\\');
  // All of a prefix is below a shorter one too, which then is written out as a key of the config.
  const mentions = text.includes(prefix) || (below === '' && /(?:^|[\s{,'"])prefix['"]?\s*:/m.test(text));
  if (isPlain && !byDefault && !mentions) return false;
  const { value } = parseConfig(text);
  if (value === null) return mentions || byDefault;
  if (valueAt(value, 's3', 'bucket') !== bucket) return false;
  const own = valueAt(value, 's3', 'prefix');
  return meets(trimSlashes(typeof own === 'string' ? own : `streamhub/${name}`));
}

async function hasRecordings(file: string, { bucket, prefix }: SharedPrefixQuestion): Promise<boolean> {
  const start = `${prefix}/`;
  try {
    const db = openDatabase(file, { readonly: true, mustExist: true });
    try {
      const sql = `SELECT 1 FROM (${KEYS}) WHERE bucket = @bucket AND substr(key, 1, length(@start)) = @start LIMIT 1`;
      return db.prepare<[object], number>(sql).get({ bucket, start }) !== undefined;
    } finally {
      db.close();
    }
  } catch {
    const text = await readFile(file).catch((error: NodeJS.ErrnoException) => unlessNone(error) ?? '');
    return text.includes(start);
  }
}
