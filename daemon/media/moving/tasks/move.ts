import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rmdir, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import type { MessagePort } from 'node:worker_threads';
import { openStorage, type StorageAccess } from '#daemon/apps/storage/open-client.ts';
import { Deleter } from '#daemon/apps/storage/purge/deleter.ts';
import { withPlugins } from '#daemon/plugins/broker-client.ts';
import { StorageError, withAnswer } from '#shared/plugin-sdk/storage-error.ts';
import type { StorageClient } from '#shared/plugin-sdk/storage-provider.ts';
import type { JobProgress } from '#shared/schema/jobs.ts';
import type { MovedFile } from '../files.ts';

/** One step of a job. */
export type MoveStep =
  /** Puts files from `from` on; `isFirst`: nothing of them can be there yet. */
  | { kind: 'put'; folder: string; files: readonly MovedFile[]; from: number; isFirst: boolean }
  /** Deletes objects of a move that was given up. */
  | { kind: 'remove'; keys: readonly string[] }
  /** Deletes the files in the app's folder. */
  | { kind: 'remove-local'; folder: string; keys: readonly string[] };

export interface MoveTask {
  step: MoveStep;
  access: StorageAccess | null;
  /** Receives `{ next, progress }` now and then; a message from the other side ends the work. */
  port: MessagePort;
  /** The way to the storage provider's plugin. */
  plugins: MessagePort;
}

export type MoveOutput =
  | { done: { bytes: number; missing: number } }
  | { stopped: true }
  | { problem: 'missing' | 'storage'; reason: string };

const TELL_MS = 500;

/** Brings a recording to its storage, file by file. Each is verified before it counts. */
export default async function move({ step, access, port, plugins }: MoveTask): Promise<MoveOutput> {
  const stop = new AbortController();
  port.once('message', () => stop.abort());
  const { signal } = stop;
  try {
    if (step.kind === 'remove-local') return await removeLocal(step);
    return await withPlugins(plugins, async (broker) => {
      const { client, maxDeleteBatch, capabilities } = await openStorage(access as StorageAccess, broker);
      try {
        if (step.kind === 'put') return { done: await putAll(client, step, port, signal) };
        const batch = capabilities.bulkDelete ? maxDeleteBatch : 1;
        const deleter = new Deleter(async () => ({ client, batch, capabilities }));
        const [first] = (await deleter.delete(step.keys)).failed;
        return first === undefined ? { done: NOTHING } : { problem: 'storage', reason: first.message };
      } finally {
        client.dispose();
      }
    });
  } catch (error) {
    if (signal.aborted) return { stopped: true };
    if (error instanceof Missing) return { problem: 'missing', reason: error.message };
    if (error instanceof Unverified) return { problem: 'storage', reason: error.message };
    if (error instanceof StorageError)
      return { problem: 'storage', reason: `${withAnswer(error.message, error.answer)} ${error.cure}` };
    throw error;
  } finally {
    port.close();
  }
}

const NOTHING = { bytes: 0, missing: 0 };

class Missing extends Error {}
class Unverified extends Error {}

async function putAll(
  client: StorageClient,
  { folder, files, from, isFirst }: Extract<MoveStep, { kind: 'put' }>,
  port: MessagePort,
  signal: AbortSignal,
): Promise<{ bytes: number; missing: number }> {
  const pathOf = (key: string) => path.join(folder, ...key.split('/'));
  const sizes = await Promise.all(files.map((file) => sizeOf(pathOf(file.from))));
  const lost = files.find((file, index) => file.isNeeded && sizes[index] === undefined);
  if (lost !== undefined) throw new Missing('it is not in the app’s folder');
  const total = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  let done = sizes.slice(0, from).reduce<number>((sum, size) => sum + (size ?? 0), 0);
  let next = from;
  let told = 0;
  const tell = (isNow = false) => {
    if (!isNow && performance.now() - told < TELL_MS) return;
    told = performance.now();
    const progress: JobProgress = { phase: 'upload', done, total, failed: 0, unit: 'bytes' };
    port.postMessage({ next, progress });
  };
  tell(true);
  for (; next < files.length; next++) {
    const { from: key, to, contentType } = files[next] as MovedFile;
    const size = sizes[next];
    if (size === undefined) continue;
    signal.throwIfAborted();
    if (isFirst || !(await isThere(client, to, size, pathOf(key), signal))) {
      const hash = createHash('md5');
      const body = Readable.from(
        (async function* () {
          for await (const chunk of createReadStream(pathOf(key), { highWaterMark: 256 * 1024 })) {
            hash.update(chunk as Buffer);
            done += (chunk as Buffer).length;
            tell();
            yield chunk as Buffer;
          }
        })(),
        { objectMode: false },
      );
      await client.put(to, body, { contentType, contentLength: size, signal });
      await verify(client, to, size, hash.digest('hex'), signal);
    } else done += size;
    tell();
  }
  tell(true);
  return { bytes: total, missing: sizes.filter((size) => size === undefined).length };
}

async function isThere(
  client: StorageClient,
  key: string,
  size: number,
  file: string,
  signal: AbortSignal,
): Promise<boolean> {
  const found = await client.head(key, { signal });
  if (found === null || found.size !== size) return false;
  if (found.md5 === undefined) return true;
  const hash = createHash('md5');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return found.md5.toLowerCase() === hash.digest('hex');
}

/** @throws Unverified */
async function verify(
  client: StorageClient,
  key: string,
  size: number,
  md5: string,
  signal: AbortSignal,
): Promise<void> {
  const found = await client.head(key, { signal });
  if (found === null) throw new Unverified('the storage took a file and does not have it');
  if (found.size !== size) throw new Unverified(`the storage has ${found.size} of ${size} bytes of a file`);
  if (found.md5 !== undefined && found.md5.toLowerCase() !== md5)
    throw new Unverified('the storage has other bytes than the file');
}

async function removeLocal({ folder, keys }: Extract<MoveStep, { kind: 'remove-local' }>): Promise<MoveOutput> {
  const folders = new Set<string>();
  for (const key of keys) {
    const file = path.join(folder, ...key.split('/'));
    await unlink(file).catch(ignoreMissing);
    // a recording in segments has its own folder
    if (key.split('/').length > 2) folders.add(path.dirname(file));
  }
  for (const dir of folders) await rmdir(dir).catch(() => {});
  return { done: NOTHING };
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

const sizeOf = (file: string): Promise<number | undefined> =>
  stat(file).then(
    (found) => (found.isFile() ? found.size : undefined),
    () => undefined,
  );
