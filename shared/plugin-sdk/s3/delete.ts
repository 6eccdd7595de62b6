import { answerWords, StorageError, type StorageErrorCode } from '../storage-error.ts';
import type { DeleteFailure, DeleteOptions, DeleteResult } from '../storage-provider.ts';
import { type Bucket, deleteInBulk, isAboutBulk } from './bulk-delete.ts';
import { translateS3Error } from './errors.ts';
import { removeVersions } from './versions.ts';

const SINGLE_DELETES_AT_ONCE = 8;
/** What can be wrong with one object only; anything else concerns the whole storage. */
const OF_ONE_KEY: ReadonlySet<string> = new Set<StorageErrorCode>(['ACCESS_DENIED', 'KEY_INVALID', 'FAILED']);
/** Deletes objects of a bucket: in bulk, or one by one once the storage has refused a bulk request. */
export class ObjectDeleter {
  readonly #where: Bucket;
  /** The storage's own words for why it deletes nothing in bulk. */
  #refusal: string | undefined;

  constructor(where: Bucket) {
    this.#where = where;
  }

  async delete(keys: readonly string[], options: DeleteOptions): Promise<DeleteResult> {
    if (keys.length === 0) return { deleted: 0, failed: [] };
    // one object needs no bulk request, which not every server has
    if (keys.length === 1) return this.#singly(keys, options);
    if (this.#refusal !== undefined) return { ...(await this.#singly(keys, options)), bulkRefusal: this.#refusal };
    try {
      return await this.#inBulk(keys, options);
    } catch (error) {
      const refused = translateS3Error(error);
      if (!isAboutBulk(refused)) throw refused;
      return this.#afterRefusal(refused, keys, options);
    }
  }

  /** Throws when a single object is refused for a reason that concerns the whole storage. */
  async #afterRefusal(refused: StorageError, keys: readonly string[], options: DeleteOptions): Promise<DeleteResult> {
    this.#refusal = answerWords(refused.answer) || refused.code;
    const first = await this.#singly(keys.slice(0, 1), options).catch((error) => {
      this.#refusal = undefined;
      throw error;
    });
    const rest = await this.#singly(keys.slice(1), options);
    return {
      deleted: first.deleted + rest.deleted,
      failed: [...first.failed, ...rest.failed],
      versionsKept: (first.versionsKept ?? 0) + (rest.versionsKept ?? 0),
      bulkRefusal: this.#refusal,
    };
  }

  async #inBulk(keys: readonly string[], options: DeleteOptions): Promise<DeleteResult> {
    const objects = keys.map((Key) => ({ Key }));
    const answer = await deleteInBulk(this.#where, objects, options.signal);
    const { requestId } = answer.$metadata;
    const failed = (answer.Errors ?? []).map(({ Key = '', Code }) =>
      failureOf(Key, translateS3Error({ name: Code, $metadata: { requestId } })),
    );
    const deleted = answer.Deleted ?? [];
    if (deleted.length + failed.length < keys.length) {
      const named = new Set([...deleted.map((object) => object.Key), ...failed.map((object) => object.key)]);
      const unconfirmed = new StorageError('NOT_CONFIRMED', { requestId });
      for (const key of keys) if (!named.has(key)) failed.push(failureOf(key, unconfirmed));
    }
    const marked = deleted.flatMap(({ Key, DeleteMarker }) => (DeleteMarker && Key !== undefined ? [Key] : []));
    const versionsKept = await this.#removeVersions(marked, options);
    return { deleted: keys.length - failed.length, failed, versionsKept };
  }

  async #singly(keys: readonly string[], options: DeleteOptions): Promise<DeleteResult> {
    const { sdk, client, bucket } = this.#where;
    const failed: DeleteFailure[] = [];
    const marked: string[] = [];
    const queue = [...keys];
    const worker = async () => {
      for (let key = queue.shift(); key !== undefined; key = queue.shift()) {
        try {
          const command = new sdk.DeleteObjectCommand({ Bucket: bucket, Key: key });
          const answer = await client.send(command, { abortSignal: options.signal });
          // a web server that answers 200 with its own page has deleted nothing
          if (answer.$metadata.httpStatusCode !== 204) throw new StorageError('NOT_A_STORAGE');
          if (answer.DeleteMarker) marked.push(key);
        } catch (error) {
          const known = translateS3Error(error);
          if (known.code === 'OBJECT_MISSING') continue;
          if (known.code === 'ABORTED' || (keys.length === 1 && !OF_ONE_KEY.has(known.code))) throw known;
          failed.push(failureOf(key, known));
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(SINGLE_DELETES_AT_ONCE, keys.length) }, worker));
    const versionsKept = await this.#removeVersions(marked, options);
    return { deleted: keys.length - failed.length, failed, versionsKept };
  }

  /** A deletion that leaves a marker hides older versions. @returns how many keys still have some */
  async #removeVersions(marked: readonly string[], options: DeleteOptions): Promise<number> {
    if (!options.allVersions || marked.length === 0) return marked.length;
    return removeVersions(this.#where, marked, this.#refusal === undefined, options.signal);
  }
}

function failureOf(key: string, error: StorageError): DeleteFailure {
  return { key, code: error.code, message: error.message, ...error.answer };
}
