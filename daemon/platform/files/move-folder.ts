import { cp, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { syncFolder } from '#shared/files/atomic-file.ts';
import { ifMissing } from './file-errors.ts';

/**
 * Moves a folder. Across file systems it is copied under a temporary name beside its new place, flushed and renamed. After a kill at
 * any moment the folder is whole in one of the two places, and the same call finishes the move. One that is moved already is fine.
 * @throws the system's error; the folder is then still in its old place
 */
export async function moveFolder(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    if (code !== 'EXDEV') throw error;
    // a copy that has its name is whole: only the old folder was still to be removed
    if (!(await isThere(to))) await copyFolder(from, to);
    await rm(from, { recursive: true, force: true, maxRetries: 3 });
  }
  await syncFolder(path.dirname(to));
}

async function copyFolder(from: string, to: string): Promise<void> {
  const copy = path.join(path.dirname(to), `.moving-${path.basename(to)}`);
  await rm(copy, { recursive: true, force: true });
  try {
    await cp(from, copy, { recursive: true, preserveTimestamps: true });
    for (const entry of await readdir(copy, { recursive: true, withFileTypes: true })) {
      const place = path.join(entry.parentPath, entry.name);
      if (entry.isDirectory()) await syncFolder(place);
      else if (entry.isFile()) await syncFile(place);
    }
    await syncFolder(copy);
    await rename(copy, to);
  } catch (error) {
    await rm(copy, { recursive: true, force: true }).catch(() => {});
    throw error;
  }
  await syncFolder(path.dirname(to));
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r');
  await handle.sync().finally(() => handle.close());
}

const isThere = (place: string): Promise<boolean> => stat(place).then(() => true, ifMissing(false));
