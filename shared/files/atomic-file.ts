import { randomBytes } from 'node:crypto';
import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { chmod, open, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';

/** What a file can be written from. */
export type FileContent = string | Uint8Array | Readable;

export interface WriteOptions {
  /** Rights of the file, regardless of the umask; without it, only its owner may read and write it. */
  mode?: number;
  /** Ends the writing with an AbortError. */
  signal?: AbortSignal | undefined;
}

/** New content of a file, written and flushed beside it, ready to replace it. */
export interface StagedFile {
  /** The file that is replaced: the one that a symbolic link leads to. */
  readonly file: string;
  /** Where the new content is until then. */
  readonly temporary: string;
  /** Puts it in place: readers see the old content or the new, never a part. */
  commit(): Promise<void>;
  /** Removes it again. */
  discard(): Promise<void>;
}

const OURS_ONLY = 0o600;
/** Answers of systems that cannot flush a folder, or need not. */
const NO_FOLDER_SYNC = new Set(['EACCES', 'EBADF', 'EINVAL', 'EISDIR', 'ENOSYS', 'ENOTSUP', 'EPERM']);

/**
 * Replaces a file as a whole, durably: a temporary file in the same folder, fsync, rename, fsync of the folder.
 * @throws the system's error; the file is then as it was
 */
export async function writeAtomically(file: string, content: FileContent, options?: WriteOptions): Promise<void> {
  const staged = await stageFile(file, content, options);
  await staged.commit();
}

/** The first half of `writeAtomically`, for changes of more than one file. Everything that needs space happens here. */
export async function stageFile(file: string, content: FileContent, options?: WriteOptions): Promise<StagedFile> {
  const target = await realpath(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return file;
    throw error;
  });
  const temporary = temporaryName(target);
  const discard = (): Promise<void> => rm(temporary, { force: true });
  try {
    await writeNewFile(temporary, content, options);
  } catch (error) {
    await discard().catch(() => {});
    throw error;
  }
  return {
    file: target,
    temporary,
    discard,
    commit: async () => {
      try {
        await putInPlace(temporary, target);
      } catch (error) {
        await discard().catch(() => {});
        throw error;
      }
    },
  };
}

/**
 * Moves a flushed temporary file over a file in the same folder. A file that is mounted by itself cannot be replaced
 * (EBUSY, EXDEV): it is overwritten. The new content stays beside it until that is done, so that a kill in between loses nothing.
 */
export async function putInPlace(temporary: string, target: string): Promise<void> {
  try {
    await rename(temporary, target);
  } catch (error) {
    if (!isOwnMount(error)) throw error;
    const redo = temporary.replace(/\.tmp$/, '.redo');
    await rename(temporary, redo);
    await syncFolder(path.dirname(target));
    await finishOverwrite(redo, target);
  }
  await syncFolder(path.dirname(target));
}

/** Overwrites a file with the content beside it, and puts the old content back if that fails. */
async function finishOverwrite(redo: string, target: string): Promise<void> {
  const [before, after] = [await readFile(target), await readFile(redo)];
  try {
    await overwrite(target, after);
  } catch (error) {
    const isRestored = await overwrite(target, before).then(
      () => true,
      async () => before.equals(await readFile(target).catch(() => Buffer.alloc(0))),
    );
    // without the old content in place, the next start finishes the change
    if (isRestored) await rm(redo, { force: true }).catch(() => {});
    throw error;
  }
  await rm(redo, { force: true });
}

async function overwrite(file: string, content: Uint8Array): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.write(content, 0, content.length, 0);
    await handle.truncate(content.length);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Such a file can be written but not replaced: it is bind-mounted, as containers do it with single files. */
export const isOwnMount = (error: unknown): boolean =>
  ['EBUSY', 'EXDEV'].includes((error as NodeJS.ErrnoException).code ?? '');

/** `writeAtomically` for programs that must not go on before the file is in place. */
export function writeAtomicallySync(
  file: string,
  content: string | Uint8Array,
  { mode = OURS_ONLY }: WriteOptions = {},
): void {
  const temporary = temporaryName(file);
  try {
    const handle = openSync(temporary, 'wx', mode);
    try {
      writeFileSync(handle, content);
      fchmodSync(handle, mode);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFolderSync(path.dirname(file));
}

/** Writes a file that does not exist yet and flushes it to the disk. A fault can leave a part of it. */
export async function writeNewFile(
  file: string,
  content: FileContent,
  { mode = OURS_ONLY, signal }: WriteOptions = {},
): Promise<void> {
  const handle = await open(file, 'wx', mode);
  try {
    await handle.writeFile(content, { signal });
    await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the renames and removals in a folder durable, where the system can do that. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch (error) {
    ignoreIfUnsupported(error);
  }
}

function syncFolderSync(folder: string): void {
  try {
    const handle = openSync(folder, 'r');
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    ignoreIfUnsupported(error);
  }
}

/** Sets the rights of a file or folder where they are others. On a read-only disk they stay as they are. */
export async function ensureMode(file: string, mode: number): Promise<void> {
  if (((await stat(file)).mode & 0o777) === mode) return;
  await chmod(file, mode).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EROFS') throw error;
  });
}

/**
 * Cleans up beside a file after a kill: finishes an overwrite that was under way, then removes temporary files. What the disk
 * refuses stays as it is, so that a start on a read-only disk succeeds.
 */
export async function recoverFile(file: string): Promise<void> {
  const { folder, names } = await finishOverwrites(file);
  await removeTemporaries(folder, names);
}

/**
 * Finishes an overwrite of a file that a kill interrupted, and leaves temporary files to whom they may belong.
 * @returns what writes of the file had left beside it
 */
export async function finishOverwrites(file: string): Promise<{ folder: string; names: string[] }> {
  const target = await realpath(file).catch(() => file);
  const folder = path.dirname(target);
  const all = await readdir(folder).catch(() => []);
  const names = all.filter((name) => name.startsWith(`.${path.basename(target)}.`));
  for (const name of names.filter((one) => one.endsWith('.redo'))) {
    const redo = path.join(folder, name);
    await rename(redo, target)
      .catch((error) => (isOwnMount(error) ? finishOverwrite(redo, target) : undefined))
      .catch(() => {});
  }
  return { folder, names };
}

/** Removes what kills in the middle of writes have left in a folder that no other program writes to. */
export async function removeLeftovers(folder: string): Promise<void> {
  await removeTemporaries(folder, await readdir(folder).catch(() => []));
}

async function removeTemporaries(folder: string, names: readonly string[]): Promise<void> {
  const left = names.filter((name) => TEMPORARY.test(name));
  await Promise.all(left.map((name) => rm(path.join(folder, name), { force: true }).catch(() => {})));
}

const TEMPORARY = /^\..+\.[0-9a-f]{12}\.tmp$/;
const temporaryName = (file: string): string =>
  path.join(path.dirname(file), `.${path.basename(file)}.${randomBytes(6).toString('hex')}.tmp`);

function ignoreIfUnsupported(error: unknown): void {
  if (!NO_FOLDER_SYNC.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
}
