import { randomBytes } from 'node:crypto';
import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { chmod, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';

/** What a file can be written from. */
export type FileContent = string | Uint8Array | Readable;

export interface WriteOptions {
  /** Rights of the file, regardless of the umask; without it, only its owner may read and write it. */
  mode?: number;
}

/** New content of a file, written and flushed beside it, ready to replace it. */
export interface StagedFile {
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
  const temporary = temporaryName(file);
  const discard = (): Promise<void> => rm(temporary, { force: true });
  try {
    await writeNewFile(temporary, content, options);
  } catch (error) {
    await discard();
    throw error;
  }
  return {
    discard,
    commit: async () => {
      try {
        await rename(temporary, file);
      } catch (error) {
        await discard();
        throw error;
      }
      await syncFolder(path.dirname(file));
    },
  };
}

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
  { mode = OURS_ONLY }: WriteOptions = {},
): Promise<void> {
  const handle = await open(file, 'wx', mode);
  try {
    await handle.writeFile(content);
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

/** Removes the temporary files that a killed process left beside a file. On a read-only disk they stay. */
export async function removeLeftovers(file: string): Promise<void> {
  const folder = path.dirname(file);
  const names = await readdir(folder).catch(() => []);
  const left = names.filter((name) => name.startsWith(`.${path.basename(file)}.`) && name.endsWith('.tmp'));
  await Promise.allSettled(left.map((name) => rm(path.join(folder, name), { force: true })));
}

const temporaryName = (file: string): string =>
  path.join(path.dirname(file), `.${path.basename(file)}.${randomBytes(6).toString('hex')}.tmp`);

function ignoreIfUnsupported(error: unknown): void {
  if (!NO_FOLDER_SYNC.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
}
