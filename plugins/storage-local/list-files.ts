import { readdir } from 'node:fs/promises';
import path from 'node:path';

/** Ending of files that are still being written. */
export const PART = '.streamhub-part';

/**
 * Keys of all files below a folder that begin with `prefix` and come after `startAfter`, in the order of their bytes,
 * one folder in memory at a time. Links and files under way are no objects.
 */
export async function* listFiles(root: string, prefix: string, startAfter = ''): AsyncGenerator<string> {
  const after = Buffer.from(startAfter);
  // names that end with a slash sort where their contents would
  const isWanted = (key: string): boolean => {
    if (key.endsWith('/') && (prefix.startsWith(key) || key.startsWith(prefix)))
      return startAfter.startsWith(key) || Buffer.compare(Buffer.from(key), after) > 0;
    return key.startsWith(prefix) && Buffer.compare(Buffer.from(key), after) > 0;
  };
  async function* walk(below: string): AsyncGenerator<string> {
    const entries = await readdir(path.join(root, below), { withFileTypes: true }).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return [];
        throw error;
      },
    );
    const keys = entries
      .filter((entry) => (entry.isDirectory() || entry.isFile()) && !entry.name.endsWith(PART))
      .map((entry) => below + entry.name + (entry.isDirectory() ? '/' : ''))
      .filter(isWanted)
      .map((key) => ({ key, bytes: Buffer.from(key) }))
      .sort((a, b) => Buffer.compare(a.bytes, b.bytes));
    for (const { key } of keys) {
      if (key.endsWith('/')) yield* walk(key);
      else yield key;
    }
  }
  yield* walk('');
}
