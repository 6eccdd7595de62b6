import { mkdirSync, statSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';

/**
 * Makes a folder and those above it, unless they are there. Node's own `recursive` reports a read-only file system as ENOENT,
 * and loops forever below `/proc`.
 * @param mode of each folder that is made
 * @throws Error of the system
 */
export async function makeFolder(folder: string, mode = 0o700): Promise<void> {
  try {
    await mkdir(folder, { mode });
  } catch (error) {
    if ((await stat(folder).catch(() => undefined))?.isDirectory()) return;
    if (!lacksParent(folder, error)) throw error;
    await makeFolder(path.dirname(folder), mode);
    await mkdir(folder, { mode }).catch((second: NodeJS.ErrnoException) => {
      if (second.code !== 'EEXIST') throw second;
    });
  }
}

/** The same, at the start of a program. */
export function makeFolderSync(folder: string, mode = 0o700): void {
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
    if (!lacksParent(folder, error)) throw error;
    makeFolderSync(path.dirname(folder), mode);
    try {
      mkdirSync(folder, { mode });
    } catch (second) {
      if ((second as NodeJS.ErrnoException).code !== 'EEXIST') throw second;
    }
  }
}

const lacksParent = (folder: string, error: unknown): boolean =>
  (error as NodeJS.ErrnoException).code === 'ENOENT' && path.dirname(folder) !== folder;
