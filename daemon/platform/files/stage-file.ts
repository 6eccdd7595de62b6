import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

/** A finished, flushed file beside its place, waiting to replace it. */
export interface StagedFile {
  /** Puts it in place: readers see the old content or the new, never a part. */
  commit(): Promise<void>;
  /** Removes it again. */
  discard(): Promise<void>;
}

/** Writes the new content of a file beside it and flushes it to the disk. Whatever can fail for lack of space fails here. */
export async function stageFile(file: string, content: string | Uint8Array, mode = 0o600): Promise<StagedFile> {
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${randomBytes(6).toString('hex')}.tmp`);
  const discard = (): Promise<void> => rm(temporary, { force: true });
  try {
    const handle = await open(temporary, 'wx', mode);
    try {
      await handle.writeFile(content);
      await handle.chmod(mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    await discard();
    throw error;
  }
  return {
    discard,
    commit: async () => {
      await rename(temporary, file);
      await syncFolder(path.dirname(file));
    },
  };
}

/** Makes a rename durable where the system can do that. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
