import { setTimeout as wait } from 'node:timers/promises';
import pLimit from 'p-limit';
import { isRetryable, StorageError, type StorageErrorCode } from '#shared/plugin-sdk/storage-error.ts';
import type { DeleteFailure, StorageCapabilities, StorageClient } from '#shared/plugin-sdk/storage-provider.ts';

/** Bulk requests under way at the same time to one storage. More gains nothing measurable and makes each slower. */
const AT_ONCE = 2;
/** The same for a storage that deletes one by one, where the round trip takes most of the time. */
const SINGLES_AT_ONCE = 8;
/** Waits before a call or a key is tried again, milliseconds. */
const RETRY_AFTER = [500, 2000, 5000];
/** Outages: a storage that never answered before them counts as missing. */
const AWAY: ReadonlySet<string> = new Set<StorageErrorCode>(['UNREACHABLE', 'TIMEOUT', 'UNAVAILABLE', 'PROXY_FAILED']);

/** Unknown errors are retried too, unless the storage calls the request invalid. */
function isWorthRetrying({ code, status = 500 }: { code: string; status?: number | undefined }): boolean {
  return code === 'FAILED' ? status >= 500 : code !== 'HOST_UNKNOWN' && isRetryable(code);
}

/** An open storage, and how to delete there. */
export interface DeletableStorage {
  client: StorageClient;
  /** Keys in one call. */
  batch: number;
  capabilities: Pick<StorageCapabilities, 'versions' | 'multipart'>;
}

export interface DeleteOutcome {
  deleted: number;
  failed: DeleteFailure[];
  versionsKept: number;
}

/**
 * Deletes keys of one storage in batches. A storage that refuses a whole call is not asked again: the rest counts as
 * failed for the same reason, so that the counts are complete.
 */
export class Deleter {
  readonly #open: () => Promise<DeletableStorage>;
  readonly #retryAfter: readonly number[];
  #opened: Promise<DeletableStorage> | undefined;
  #broken: StorageError | undefined;
  #answered = false;

  constructor(open: () => Promise<DeletableStorage>, retryAfter: readonly number[] = RETRY_AFTER) {
    this.#open = open;
    this.#retryAfter = retryAfter;
  }

  /** Why the storage refused. */
  get broken(): StorageError | undefined {
    return this.#broken;
  }

  /** The open storage. @throws StorageError */
  async storage(): Promise<DeletableStorage> {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  /** Is nothing stored that it could be opened with? */
  async lacksCredentials(): Promise<boolean> {
    try {
      await this.storage();
      return false;
    } catch (error) {
      return asStorageError(error).code === 'CREDENTIALS_MISSING';
    }
  }

  async delete(keys: readonly string[]): Promise<DeleteOutcome> {
    const unique = [...new Set(keys)];
    const outcome: DeleteOutcome = { deleted: 0, failed: [], versionsKept: 0 };
    let batch = unique.length;
    try {
      batch = (await this.storage()).batch;
    } catch (error) {
      this.#broken ??= asStorageError(error);
    }
    const chunks: string[][] = [];
    for (let start = 0; start < unique.length; start += batch) chunks.push(unique.slice(start, start + batch));
    await pLimit(batch === 1 ? SINGLES_AT_ONCE : AT_ONCE).map(chunks, async (chunk) => {
      const part = await this.#deleteChunk(chunk);
      outcome.deleted += part.deleted;
      outcome.versionsKept += part.versionsKept;
      for (const failure of part.failed) outcome.failed.push(failure);
    });
    return outcome;
  }

  async dispose(): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined);
    opened?.client.dispose();
  }

  async #deleteChunk(keys: readonly string[]): Promise<DeleteOutcome> {
    const outcome: DeleteOutcome = { deleted: 0, failed: [], versionsKept: 0 };
    let left = keys;
    for (let attempt = 0; ; attempt++) {
      if (this.#broken !== undefined) {
        const { code, message, answer } = this.#broken;
        outcome.failed.push(...left.map((key) => ({ key, code, message, ...answer })));
        return outcome;
      }
      const pause = this.#retryAfter[attempt];
      try {
        const { client, capabilities } = await this.storage();
        const result = await client.deleteMany(left, capabilities.versions ? { allVersions: true } : {});
        this.#answered = true;
        outcome.deleted += result.deleted;
        outcome.versionsKept += result.versionsKept ?? 0;
        const again = result.failed.filter(isWorthRetrying);
        outcome.failed.push(...result.failed.filter((failure) => !isWorthRetrying(failure)));
        if (again.length === 0) return outcome;
        if (pause === undefined) {
          outcome.failed.push(...again);
          return outcome;
        }
        left = again.map((failure) => failure.key);
      } catch (error) {
        const known = asStorageError(error);
        // a timeout has taken minutes already, and a storage that never answered counts as missing
        const isAway = AWAY.has(known.code);
        const isLast = pause === undefined || (isAway && !this.#answered) || (known.code === 'TIMEOUT' && attempt > 0);
        if (isLast || !isWorthRetrying(known)) this.#broken ??= known;
      }
      if (this.#broken === undefined && pause !== undefined) await wait(pause);
    }
  }
}

export function asStorageError(error: unknown): StorageError {
  return error instanceof StorageError ? error : new StorageError('FAILED');
}
