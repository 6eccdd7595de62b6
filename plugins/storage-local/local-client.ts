import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, realpath, rename, rm, unlink } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import {
  type CallOptions,
  type DeleteResult,
  type GetOptions,
  isLocalKey,
  type ListOptions,
  type ObjectInfo,
  type PutOptions,
  type StorageClient,
  StorageError,
} from 'streamhub/plugin-sdk';
import { syncFolder, writeNewFile } from '#shared/files/atomic-file.ts';
import { listFiles, PART } from './list-files.ts';

/** What the file system says, in the words that all providers share. */
const CODES: Readonly<Record<string, ConstructorParameters<typeof StorageError>[0]>> = {
  ENOENT: 'OBJECT_MISSING',
  ENOTDIR: 'OBJECT_MISSING',
  EISDIR: 'OBJECT_MISSING',
  ELOOP: 'ACCESS_DENIED',
  EACCES: 'ACCESS_DENIED',
  EPERM: 'ACCESS_DENIED',
  EROFS: 'ACCESS_DENIED',
  ENOSPC: 'FULL',
  EDQUOT: 'FULL',
  ENAMETOOLONG: 'KEY_INVALID',
};

/** Objects as files below one folder, each under its key. Never touches anything outside, links included. */
export class LocalStorageClient implements StorageClient {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** Writes beside the place, makes it durable, then puts it there: a reader sees the old object or the whole new one. */
  async put(key: string, body: Readable | Uint8Array | string, { signal }: PutOptions = {}): Promise<void> {
    return attempt(signal, async () => {
      const file = this.#fileOf(key);
      const folder = path.dirname(file);
      await this.#makeFolder(folder);
      const part = path.join(folder, `.${randomBytes(8).toString('hex')}${PART}`);
      try {
        await writeNewFile(part, body, { signal });
        await rename(part, file);
        await syncFolder(folder);
      } catch (error) {
        await rm(part, { force: true });
        throw error;
      }
    });
  }

  async get(key: string, { range, signal }: GetOptions = {}) {
    return attempt(signal, async () => {
      const handle = await this.#open(key);
      try {
        const { size } = await handle.stat();
        const end = range === undefined ? size - 1 : Math.min(range.end, size - 1);
        const start = range?.start ?? 0;
        const length = Math.max(0, end - start + 1);
        if (length === 0) {
          await handle.close();
          return { body: Readable.from([]), size: 0, contentType: undefined };
        }
        const body = handle.createReadStream({ start, end, signal });
        return { body: body as Readable, size: length, contentType: undefined };
      } catch (error) {
        await handle.close();
        throw error;
      }
    });
  }

  async head(key: string, { signal }: CallOptions = {}): Promise<ObjectInfo | null> {
    try {
      return await attempt(signal, async () => {
        await this.#requireInside(path.dirname(this.#fileOf(key)));
        const info = await lstat(this.#fileOf(key));
        return info.isFile() ? { key, size: info.size, modifiedAt: info.mtime.toISOString() } : null;
      });
    } catch (error) {
      if (error instanceof StorageError && error.code === 'OBJECT_MISSING') return null;
      throw error;
    }
  }

  async *list({ prefix, startAfter, pageSize = 1000, signal }: ListOptions): AsyncIterable<ObjectInfo[]> {
    let page: ObjectInfo[] = [];
    try {
      for await (const key of listFiles(this.#root, prefix, startAfter)) {
        if (signal?.aborted) throw new StorageError('ABORTED');
        const info = isLocalKey(key) ? await this.head(key) : null;
        if (info !== null && page.push(info) === pageSize) {
          yield page;
          page = [];
        }
      }
    } catch (error) {
      throw translate(error);
    }
    if (page.length > 0) yield page;
  }

  async deleteMany(keys: readonly string[], { signal }: CallOptions = {}): Promise<DeleteResult> {
    const failed: DeleteResult['failed'] = [];
    for (const key of keys) {
      try {
        await attempt(signal, async () => {
          const file = this.#fileOf(key);
          await this.#requireInside(path.dirname(file));
          // a folder of that name is not an object
          if ((await lstat(file)).isDirectory()) return;
          await unlink(file);
        });
      } catch (error) {
        const { code, message } = error as StorageError;
        if (code === 'ABORTED') throw error;
        if (code !== 'OBJECT_MISSING') failed.push({ key, code, message });
      }
    }
    return { deleted: keys.length - failed.length, failed };
  }

  dispose(): void {}

  #fileOf(key: string): string {
    if (!isLocalKey(key)) throw new StorageError('KEY_INVALID');
    return path.join(this.#root, ...key.split('/'));
  }

  /** Opens an object for reading; its last part must not be a link either. */
  async #open(key: string): Promise<FileHandle> {
    const file = this.#fileOf(key);
    await this.#requireInside(path.dirname(file));
    const handle = await open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
    throw new StorageError('OBJECT_MISSING');
  }

  /** Makes a folder step by step, so that no link on the way is followed out of the root. */
  async #makeFolder(folder: string): Promise<void> {
    let at = this.#root;
    for (const part of path.relative(this.#root, folder).split(path.sep)) {
      at = path.join(at, part);
      await mkdir(at, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
      if (!(await lstat(at)).isDirectory()) throw new StorageError('KEY_INVALID', { detail: 'A folder is taken.' });
    }
    await this.#requireInside(folder);
  }

  async #requireInside(folder: string): Promise<void> {
    const expected = path.join(await realpath(this.#root), path.relative(this.#root, folder));
    if ((await realpath(folder)) !== expected)
      throw new StorageError('ACCESS_DENIED', { detail: 'A folder on the way is a link.' });
  }
}

async function attempt<T>(signal: AbortSignal | undefined, action: () => Promise<T>): Promise<T> {
  if (signal?.aborted) throw new StorageError('ABORTED');
  try {
    return await action();
  } catch (error) {
    throw signal?.aborted ? new StorageError('ABORTED') : translate(error);
  }
}

function translate(error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const native = String((error as NodeJS.ErrnoException).code ?? '');
  return new StorageError(CODES[native] ?? 'FAILED', { native });
}
