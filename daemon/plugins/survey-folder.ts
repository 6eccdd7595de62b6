import { readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { refusal } from '#shared/plugin-sdk/problems.ts';

const MAX_ENTRIES = 20_000;
const MAX_DEPTH = 32;

/**
 * Looks through a plugin's folder for links that lead out of it: a process that may read the folder could follow them
 * to any file of the daemon's user.
 * @throws PluginRefusal
 */
export async function surveyFolder(folder: string): Promise<void> {
  let left = MAX_ENTRIES;
  const visit = async (dir: string, depth: number): Promise<void> => {
    if (depth > MAX_DEPTH) throw refusal('TOO_MANY_FILES', { detail: `${MAX_DEPTH} folders in each other` });
    for (const entry of await readdir(dir, { withFileTypes: true })) {
      if (--left < 0) throw refusal('TOO_MANY_FILES', { detail: `${MAX_ENTRIES} files` });
      const place = path.join(dir, entry.name);
      const shown = path.relative(folder, place).split(path.sep).join('/');
      if (entry.isDirectory()) await visit(place, depth + 1);
      else if (entry.isSymbolicLink()) {
        const target = await realpath(place).catch(() => {
          throw refusal('FILE_MISSING', { file: shown });
        });
        if (target !== folder && !target.startsWith(folder + path.sep)) throw refusal('FILE_OUTSIDE', { file: shown });
      } else if (!entry.isFile()) throw refusal('FILE_NOT_A_FILE', { file: shown });
    }
  };
  await visit(folder, 0);
}
