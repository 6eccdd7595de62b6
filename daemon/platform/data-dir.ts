import { accessSync, chmodSync, constants, existsSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import Database from 'better-sqlite3';
import { removeLeftovers, writeAtomicallySync } from '#shared/files/atomic-file.ts';
import { makeFolderSync } from '#shared/files/make-folder.ts';
import type { RunFile } from '#shared/files/run-file.ts';
import type { Db } from './db/open.ts';
import { fileError } from './files/file-errors.ts';

/** Places below DATA_DIR. */
export interface DataDir {
  root: string;
  data: string;
  apps: string;
  archive: string;
  logs: string;
  registry: string;
  secrets: string;
  plugins: string;
}

/** Another daemon holds this DATA_DIR. */
export class DataDirInUse extends Error {
  constructor(root: string) {
    super(`another daemon is running on ${root}; stop it or choose another DATA_DIR`);
  }
}

/** Creates what is missing, with rights for the owner only. */
export function prepareDataDir(root: string): DataDir {
  const dir: DataDir = {
    root,
    data: path.join(root, 'data'),
    apps: path.join(root, 'apps'),
    archive: path.join(root, 'archive'),
    logs: path.join(root, 'logs'),
    registry: path.join(root, 'data', 'streamhub.db'),
    secrets: path.join(root, 'data', 'secrets.json'),
    plugins: path.join(root, 'plugins'),
  };
  for (const folder of [dir.root, dir.data, dir.apps, dir.archive, dir.logs, dir.plugins]) makeFolderSync(folder);
  if ((statSync(dir.data).mode & 0o777) !== 0o700) chmodSync(dir.data, 0o700);
  return dir;
}

/**
 * Locks a DATA_DIR with an exclusive SQLite transaction, which the system drops however the process ends.
 * @returns the function that releases it
 * @throws DataDirInUse; ApiError if the lock is of another user
 */
export function lockDataDir(dir: DataDir): () => void {
  const file = path.join(dir.data, 'daemon.lock');
  requireWritable(existsSync(file) ? file : dir.data);
  let lock: Db | undefined;
  try {
    lock = new Database(file, { timeout: 0 });
    lock.pragma('journal_mode = MEMORY');
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock?.close();
    const { code = '' } = error as { code?: string };
    if (code.startsWith('SQLITE_BUSY')) throw new DataDirInUse(dir.root);
    // two daemons can't damage anything on a read-only disk
    if (!/^SQLITE_(?:CANTOPEN|READONLY|FULL|IOERR)/.test(code) || !existsSync(dir.registry)) throw error;
    return () => {};
  }
  const held = lock;
  return () => held.close();
}

/** SQLite opens a file that it can't write for reading, and then locks it for nobody. */
function requireWritable(file: string): void {
  try {
    accessSync(file, constants.W_OK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EROFS') throw fileError(error, file) ?? error;
  }
}

/** Removes what a kill in the middle of a write has left beside the daemon's own files. */
export async function removeDataDirLeftovers(dir: DataDir): Promise<void> {
  const below = await readdir(dir.data, { withFileTypes: true }).catch(() => []);
  const folders = below.filter((one) => one.isDirectory()).map(({ name }) => path.join(dir.data, name));
  await Promise.all([dir.root, dir.data, ...folders].map(removeLeftovers));
}

/** Tells other programs of this machine (the CLI, the desktop) where the daemon listens. Contains no secret. */
export function writeRunFile(dir: DataDir, info: RunFile): void {
  writeAtomicallySync(path.join(dir.data, 'daemon.json'), `${JSON.stringify(info)}\n`);
}
