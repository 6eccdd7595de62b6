import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { MessagePort } from 'node:worker_threads';
import { openStorage, type StorageAccess } from '#daemon/apps/storage/open-client.ts';
import { withPlugins } from '#daemon/plugins/broker-client.ts';
import { makeFolder } from '#shared/files/make-folder.ts';
import { StorageError, withAnswer } from '#shared/plugin-sdk/storage-error.ts';
import { type CollectedFile, type CollectInput, Collector, contentOf, type Holds } from '../collect.ts';
import { type BackupFault, BackupProblem, faultOf, MANIFEST_NAME, type Manifest } from '../manifest.ts';
import { readBackup } from '../read.ts';
import { seal } from '../sealed.ts';
import { TAR_END, tarHeader, tarPadding } from '../tar.ts';
import { endOf } from '../task-end.ts';

/** From the worker to the daemon. */
export type BackupRequest =
  /** `hold`: nothing changes until `release`; null = the installation's secrets. */
  { hold: string | null } | { release: true } | { phase: string; done: number; total: number | null };

/** Answer to `hold`: the app's stored secrets, or null if there is no such app. */
export type HoldAnswer = { secrets: Record<string, string> | null };

export interface BackupStorage {
  access: StorageAccess;
  key: string;
  /** The way to the provider's plugin. */
  port: MessagePort;
}

export interface BackupWriteInput {
  collect: CollectInput;
  passphrase: string;
  /** See `passphraseRecipient`. */
  passphraseWork: number;
  /** The file, still under a temporary name; unused with `storage`. */
  file: string;
  storage: BackupStorage | null;
  port: MessagePort;
}

export type BackupWriteOutput =
  | { manifest: Omit<Manifest, 'files' | 'folders'>; files: number; size: number }
  | { fault: BackupFault };

/** Copies, writes and verifies a backup. Ends with the port: the daemon closes it to stop the work. */
export default async function backupWrite(input: BackupWriteInput): Promise<BackupWriteOutput> {
  const { port, collect, storage } = input;
  const ending = await endOf(port);
  const tell = paced((progress) => port.postMessage(progress satisfies BackupRequest));
  try {
    await rm(collect.work, { recursive: true, force: true });
    await makeFolder(collect.work);
    const { manifest, files } = await new Collector(collect, holdsOver(port, ending), tell, ending).collect();
    const write = (open: Opened): Promise<number> => writeAndVerify(input, manifest, files, open, tell, ending);
    const size =
      storage === null
        ? await write(fileAt(input.file))
        : await withPlugins(storage.port, async (broker) => {
            const { client, capabilities } = await openStorage(storage.access, broker);
            const put = (body: Readable, signal: AbortSignal, length?: number): Promise<void> =>
              client.put(storage.key, body, {
                contentType: 'application/octet-stream',
                signal,
                ...(length === undefined ? {} : { contentLength: length }),
              });
            try {
              return await write({
                async write(body, signal) {
                  if (capabilities.multipart) return put(body, signal);
                  // the length has to be known first
                  await fileAt(input.file).write(body, signal);
                  await put(createReadStream(input.file), signal, (await stat(input.file)).size);
                },
                read: async (signal) => (await client.get(storage.key, { signal })).body,
                remove: async () => void (await client.deleteMany([storage.key])),
              });
            } finally {
              client.dispose();
            }
          });
    const { files: _, folders: __, ...rest } = manifest;
    return { manifest: rest, files: manifest.files.length, size };
  } catch (error) {
    ending.throwIfAborted();
    const fault = storageFault(error) ?? faultOf(error);
    if (fault === undefined) throw error;
    return { fault };
  } finally {
    port.close();
  }
}

/** Where a backup is written to and read from. */
interface Opened {
  write(body: Readable, signal: AbortSignal): Promise<void>;
  read(signal: AbortSignal): Promise<Readable>;
  remove(): Promise<void>;
}

type Tell = (phase: string, done: number, total: number | null) => void;

async function writeAndVerify(
  { collect, passphrase, passphraseWork }: BackupWriteInput,
  manifest: Manifest,
  files: readonly CollectedFile[],
  { write, read, remove }: Opened,
  tell: Tell,
  signal: AbortSignal,
): Promise<number> {
  let size = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      done(null, chunk);
    },
  });
  const sealed = await seal(archive(manifest, files, tell, signal), passphrase, passphraseWork);
  const counted = pipeline(sealed, counter, { signal });
  try {
    await Promise.all([counted, write(counter, signal)]);
    await readBackup(await read(signal), {
      passphrase,
      into: collect.work,
      mode: 'check',
      knows: manifest.schema,
      tell: (done, total) => tell('verify', done, total),
      signal,
    });
    return size;
  } catch (error) {
    await remove().catch(() => {});
    throw error;
  }
}

async function* archive(
  manifest: Manifest,
  files: readonly CollectedFile[],
  tell: Tell,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const text = Buffer.from(JSON.stringify(manifest));
  yield tarHeader(MANIFEST_NAME, text.length, 0o600, new Date(manifest.createdAt));
  yield text;
  yield tarPadding(text.length);
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  for (const { path: place, source, size, mode, mtime } of files) {
    signal.throwIfAborted();
    yield tarHeader(place, size, mode, mtime);
    let read = 0;
    for await (const chunk of contentOf(source, size)) {
      read += chunk.length;
      done += chunk.length;
      tell('write', done, total);
      yield chunk;
    }
    if (read !== size) throw Object.assign(new Error(`${place} became shorter`), { code: 'EIO', path: place });
    yield tarPadding(size);
  }
  yield TAR_END;
}

const fileAt = (file: string): Opened => ({
  async write(body, signal) {
    await pipeline(body, createWriteStream(file, { mode: 0o600 }), { signal });
    const handle = await open(file, 'r+');
    await handle.sync().finally(() => handle.close());
  },
  read: async () => createReadStream(file),
  remove: () => rm(file, { force: true }),
});

function holdsOver(port: MessagePort, signal: AbortSignal): Holds {
  const ask = async (app: string | null): Promise<HoldAnswer> => {
    const answered = once(port, 'message', { signal });
    port.postMessage({ hold: app } satisfies BackupRequest);
    const [answer] = (await answered) as [HoldAnswer];
    return answer;
  };
  const release = (): void => port.postMessage({ release: true } satisfies BackupRequest);
  return {
    async ofApp(app, copy) {
      const { secrets } = await ask(app);
      if (secrets === null) return undefined;
      try {
        return await copy(secrets);
      } finally {
        release();
      }
    },
    async ofSecrets(copy) {
      await ask(null);
      try {
        return await copy();
      } finally {
        release();
      }
    },
  };
}

/** What a storage says, in words. */
export function storageFault(error: unknown): BackupFault | undefined {
  if (error instanceof BackupProblem || !(error instanceof StorageError)) return undefined;
  return { kind: 'storage', reason: `${withAnswer(error.message, error.answer)} ${error.cure}` };
}

const TELL_MS = 500;

/** Passes on a report every half second, and the first of each phase. */
export function paced(post: (progress: { phase: string; done: number; total: number | null }) => void): Tell {
  let told = Number.NEGATIVE_INFINITY;
  let last = '';
  return (phase, done, total) => {
    if (phase === last && performance.now() - told < TELL_MS) return;
    told = performance.now();
    last = phase;
    post({ phase, done, total });
  };
}
