import { Readable } from 'node:stream';
import type { MessagePort } from 'node:worker_threads';
import type { Background } from '#daemon/platform/background.ts';
import { fileError } from '#daemon/platform/files/file-errors.ts';
import { VERSION } from '#daemon/platform/version.ts';
import type { WorkerPool } from '#daemon/platform/workers/pool.ts';
import type { PluginService } from '#daemon/plugins/service.ts';
import { ApiError } from '#shared/errors.ts';
import type { JobProgress } from '#shared/schema/jobs.ts';
import type { BackupFault } from './manifest.ts';
import type { BackupPlaces, StoredObject } from './places.ts';
import { taskChannel } from './task-end.ts';
import type { BackupReadInput, BackupReadOutput } from './tasks/backup-read.ts';
import type { BackupSendInput, BackupSendOutput, Sent } from './tasks/backup-send.ts';
import type {
  BackupRequest,
  BackupStorage,
  BackupWriteInput,
  BackupWriteOutput,
  HoldAnswer,
} from './tasks/backup-write.ts';
import { BACKUP_READ, BACKUP_SEND, BACKUP_WRITE } from './tasks.ts';

export interface BackupWorkDeps {
  background: Background;
  pool: WorkerPool;
  plugins: PluginService;
  places: Pick<BackupPlaces, 'access'>;
  /** Runs a task while nothing changes the app's config; its stored secrets, or null if there is no such app. */
  holdApp(app: string, task: (secrets: Record<string, string> | null) => Promise<void>): Promise<void>;
  /** Runs a task while no secret changes. */
  holdSecrets(task: () => Promise<void>): Promise<void>;
}

export interface WorkRun {
  signal: AbortSignal;
  tell(progress: JobProgress): void;
}

/** How long a worker may take to stop and tidy up. */
const STOP_MS = 10_000;
const UNITS: Readonly<Record<string, string>> = { collect: 'apps', checksums: 'files' };

/** Makes and reads backups in worker threads, which ask to hold what is being copied. */
export class BackupWork {
  readonly #deps: BackupWorkDeps;

  constructor(deps: BackupWorkDeps) {
    this.#deps = deps;
  }

  /** @throws ApiError BACKUP_STORAGE_FAILED, and those of files */
  write(input: Omit<BackupWriteInput, 'storage' | 'port'>, stored: StoredObject | null, run: WorkRun) {
    return this.#run<BackupWriteInput, BackupWriteOutput>(BACKUP_WRITE, input, stored, run);
  }

  /** @throws ApiError BACKUP_PASSPHRASE_WRONG, BACKUP_DAMAGED, BACKUP_NEWER, BACKUP_STORAGE_FAILED, and those of files */
  read(input: Omit<BackupReadInput, 'storage' | 'port'>, stored: StoredObject | null, run: WorkRun) {
    return this.#run<BackupReadInput, BackupReadOutput>(BACKUP_READ, input, stored, run);
  }

  /**
   * Opens a backup in a storage. The bytes come from a worker, as fast as they are taken.
   * @param range first and last byte
   * @throws ApiError BACKUP_STORAGE_FAILED, OVERLOADED
   */
  async open(stored: StoredObject, range: { start: number; end: number }): Promise<Readable> {
    const { pool, plugins, places, background } = this.#deps;
    const access = await places.access(stored);
    const { port1, port2 } = taskChannel();
    const opened = Promise.withResolvers<Readable>();
    const body = new Readable({
      read: () => port1.postMessage(null),
      destroy(error, done) {
        port1.close();
        done(error);
      },
    });
    port1.on('message', (sent: Sent) => {
      if ('opened' in sent) opened.resolve(body);
      else body.push(sent.bytes);
    });
    background.run('download of a backup', async () => {
      try {
        const output = await plugins.withBroker(stored.app, (port) =>
          pool.run<BackupSendInput, BackupSendOutput>(
            BACKUP_SEND,
            { storage: { access, key: stored.key, port }, range, port: port2 },
            { transfer: [port2, port] },
          ),
        );
        if (output !== null) throw errorOf(output.fault);
      } catch (error) {
        opened.reject(error as Error);
        // a download that is under way breaks off, which the client sees by its length
        body.on('error', () => {}).destroy(error as Error);
      }
    });
    return opened.promise;
  }

  async #run<I extends object, O extends object>(
    kind: typeof BACKUP_WRITE,
    input: object,
    stored: StoredObject | null,
    { signal, tell }: WorkRun,
  ): Promise<Exclude<O, { fault: BackupFault }>> {
    const { pool, plugins, places, background } = this.#deps;
    const { port1, port2 } = taskChannel();
    const over = new AbortController();
    const late = new AbortController();
    port1.on('message', (message: BackupRequest) => {
      if ('hold' in message) background.run('hold for a backup', () => this.#hold(port1, message.hold, over.signal));
      else if ('phase' in message) {
        const { phase, done, total } = message;
        tell({ phase, done, total, failed: 0, unit: UNITS[phase] ?? 'bytes' });
      }
    });
    const end = (): void => {
      over.abort();
      port1.close();
    };
    let cancelLimit = (): void => {};
    // the worker stops at the end of the port, and tidies up; one that doesn't is ended with its thread
    const stop = (): void => {
      end();
      cancelLimit = background.after('end of a backup', STOP_MS, () => late.abort());
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      signal.throwIfAborted();
      const task = (storage: BackupStorage | null, ports: MessagePort[]): Promise<O> =>
        pool.run<I, O>(kind, { ...input, port: port2, storage } as unknown as I, {
          signal: late.signal,
          transfer: [port2, ...ports],
        });
      const output =
        stored === null
          ? await task(null, [])
          : await plugins.withBroker(stored.app, async (port) =>
              task({ access: await places.access(stored), key: stored.key, port }, [port]),
            );
      signal.throwIfAborted();
      if ('fault' in output) throw errorOf(output.fault as BackupFault);
      return output as Exclude<O, { fault: BackupFault }>;
    } finally {
      signal.removeEventListener('abort', stop);
      cancelLimit();
      end();
    }
  }

  /** Holds until the worker says `release`, or the work is over. */
  async #hold(port: MessagePort, app: string | null, over: AbortSignal): Promise<void> {
    const { holdApp, holdSecrets } = this.#deps;
    const held = async (secrets: Record<string, string> | null): Promise<void> => {
      const released = secrets === null ? undefined : releaseOf(port, over);
      port.postMessage({ secrets } satisfies HoldAnswer);
      await released;
    };
    try {
      await (app === null ? holdSecrets(() => held({})) : holdApp(app, held));
    } catch {
      // the worker learns of it, and leaves this app out
      port.postMessage({ secrets: null } satisfies HoldAnswer);
    }
  }
}

/** Resolves when the worker says `release`, or the work is over. */
function releaseOf(port: MessagePort, over: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const take = (message: BackupRequest): void => {
    if ('release' in message) resolve();
  };
  port.on('message', take);
  over.addEventListener('abort', () => resolve(), { once: true });
  if (over.aborted) resolve();
  return promise.finally(() => port.off('message', take));
}

/** What a fault is for callers of the API. */
export function errorOf(fault: BackupFault): ApiError {
  switch (fault.kind) {
    case 'passphrase':
      return new ApiError('BACKUP_PASSPHRASE_WRONG');
    case 'damaged':
      return new ApiError('BACKUP_DAMAGED', { reason: fault.reason });
    case 'newer':
      return new ApiError('BACKUP_NEWER', { version: fault.version, own: VERSION });
    case 'storage':
      return new ApiError('BACKUP_STORAGE_FAILED', { reason: fault.reason });
    case 'file': {
      const { code, message, path } = fault;
      const error = Object.assign(new Error(message), { code, ...(path === undefined ? {} : { path }) });
      return fileError(error, path) ?? new ApiError('INTERNAL', {}, { cause: error });
    }
  }
}
