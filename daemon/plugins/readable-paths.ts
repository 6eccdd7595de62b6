import { readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { refusal } from '#shared/plugin-sdk/problems.ts';

const MAX_ENTRIES = 20_000;
const MAX_DEPTH = 32;

/** A link that authors have for their editor and tests; the host resolves the SDK itself. */
const SDK_LINK = path.join('node_modules', 'streamhub');

/**
 * Lists what a plugin's process may read, and refuses links that lead out of the plugin's folder: the process could follow
 * them to any file of the daemon's user. The link to the SDK is not included.
 * @returns paths; folders end with a separator
 * @throws PluginRefusal
 */
export async function readablePaths(folder: string): Promise<string[]> {
  let left = MAX_ENTRIES;
  let hasSdkLink = false;
  const visit = async (dir: string, depth: number): Promise<void> => {
    if (depth > MAX_DEPTH) throw refusal('TOO_MANY_FILES', { detail: `${MAX_DEPTH} folders in each other` });
    for (const entry of await readdir(dir, { withFileTypes: true })) {
      if (--left < 0) throw refusal('TOO_MANY_FILES', { detail: `${MAX_ENTRIES} files` });
      const place = path.join(dir, entry.name);
      const shown = path.relative(folder, place).split(path.sep).join('/');
      if (entry.isDirectory()) await visit(place, depth + 1);
      else if (entry.isSymbolicLink() && path.relative(folder, place) === SDK_LINK) hasSdkLink = true;
      else if (entry.isSymbolicLink()) {
        const target = await realpath(place).catch(() => {
          throw refusal('FILE_MISSING', { file: shown });
        });
        if (target !== folder && !target.startsWith(folder + path.sep)) throw refusal('FILE_OUTSIDE', { file: shown });
      } else if (!entry.isFile()) throw refusal('FILE_NOT_A_FILE', { file: shown });
    }
  };
  await visit(folder, 0);
  if (!hasSdkLink) return [folder + path.sep];
  const parts = await entriesOf(folder, 'node_modules');
  return [...parts, ...(await entriesOf(path.join(folder, 'node_modules'), 'streamhub'))];
}

async function entriesOf(dir: string, except: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true });
  return entries
    .filter((entry) => entry.name !== except)
    .map((entry) => path.join(dir, entry.name) + (entry.isDirectory() ? path.sep : ''));
}
