import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Readable } from 'node:stream';
import type { DeleteObjectsCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { StorageError, type StorageErrorCode } from '../storage-error.ts';
import type {
  DeleteFailure,
  DeleteOptions,
  DeleteResult,
  GetOptions,
  ListOptions,
  ObjectInfo,
  PresignOptions,
  PutOptions,
  StorageClient,
  StorageContext,
} from '../storage-provider.ts';
import { translateS3Error } from './errors.ts';
import type { S3Settings } from './settings.ts';
import { removeVersions } from './versions.ts';

export interface S3Options {
  /** URL to connect to where `settings.endpoint` is empty; undefined = AWS by region. */
  endpoint?: string;
}

const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
/** Servers that cannot delete in bulk, or not these keys, are asked for one object after the other. */
const NO_BULK = new Set(['MalformedXML', 'NotImplemented', 'MethodNotAllowed']);
const SINGLE_DELETES_AT_ONCE = 8;
/** What may be wrong with one object only; anything else concerns the whole storage. */
const OF_ONE_KEY: ReadonlySet<string> = new Set<StorageErrorCode>(['ACCESS_DENIED', 'KEY_INVALID', 'FAILED']);

/** A storage client for any S3-compatible service. The AWS SDK is loaded here, when a client is first opened. */
export async function openS3(context: StorageContext<S3Settings>, options: S3Options = {}): Promise<StorageClient> {
  const { settings, credentials, guard } = context;
  if (!credentials['key'] || !credentials['secret']) throw new StorageError('CREDENTIALS_MISSING');
  if (settings.bucket === '') throw new StorageError('BUCKET_NOT_SET');
  const endpoint = settings.endpoint || options.endpoint;
  if (endpoint !== undefined) guard.check(endpoint);
  const sdk = await import('@aws-sdk/client-s3');
  const agent = { lookup: guard.lookup, keepAlive: true, maxSockets: 16 };
  const client = new sdk.S3Client({
    region: settings.region || 'us-east-1',
    endpoint,
    forcePathStyle: settings.forcePathStyle,
    credentials: { accessKeyId: credentials['key'], secretAccessKey: credentials['secret'] },
    // Servers beside AWS know neither trailing checksums nor aws-chunked bodies.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      httpAgent: new HttpAgent(agent),
      httpsAgent: new HttpsAgent(agent),
      connectionTimeout: 10_000,
      requestTimeout: 30_000,
      throwOnRequestTimeout: true,
    },
    maxAttempts: 3,
    retryMode: 'standard',
    logger: SILENT,
    // Nothing of the machine's own AWS configuration may leak into an app's storage.
    ignoreConfiguredEndpointUrls: true,
    defaultsMode: 'standard',
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
    useArnRegion: false,
    disableMultiregionAccessPoints: true,
  });
  return new S3StorageClient(sdk, client, settings.bucket);
}

type Sdk = typeof import('@aws-sdk/client-s3');

class S3StorageClient implements StorageClient {
  readonly #sdk: Sdk;
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(sdk: Sdk, client: S3Client, bucket: string) {
    this.#sdk = sdk;
    this.#client = client;
    this.#bucket = bucket;
  }

  async put(key: string, body: Readable | Uint8Array | string, options: PutOptions = {}): Promise<void> {
    const input = { Bucket: this.#bucket, Key: key, ContentType: options.contentType };
    await attempt(async () => {
      if (!(body instanceof Readable)) {
        const bytes = typeof body === 'string' ? Buffer.from(body) : body;
        const command = new this.#sdk.PutObjectCommand({ ...input, Body: bytes, ContentLength: bytes.byteLength });
        await this.#client.send(command, { abortSignal: options.signal });
        return;
      }
      const { Upload } = await import('@aws-sdk/lib-storage');
      const upload = new Upload({ client: this.#client, params: { ...input, Body: body } });
      const abort = () => void upload.abort();
      options.signal?.addEventListener('abort', abort, { once: true });
      try {
        options.signal?.throwIfAborted();
        await upload.done();
      } finally {
        options.signal?.removeEventListener('abort', abort);
      }
    });
  }

  async get(key: string, options: GetOptions = {}) {
    const Range = options.range && `bytes=${options.range.start}-${options.range.end}`;
    return attempt(async () => {
      const command = new this.#sdk.GetObjectCommand({ Bucket: this.#bucket, Key: key, Range });
      const answer = await this.#client.send(command, { abortSignal: options.signal });
      if (!(answer.Body instanceof Readable)) throw new StorageError('NOT_A_STORAGE');
      return { body: answer.Body, size: answer.ContentLength, contentType: answer.ContentType };
    });
  }

  async head(key: string, options: { signal?: AbortSignal } = {}): Promise<ObjectInfo | null> {
    try {
      const command = new this.#sdk.HeadObjectCommand({ Bucket: this.#bucket, Key: key });
      const answer = await this.#client.send(command, { abortSignal: options.signal });
      return {
        key,
        size: answer.ContentLength ?? 0,
        modifiedAt: answer.LastModified?.toISOString(),
        etag: answer.ETag,
        contentType: answer.ContentType,
      };
    } catch (error) {
      if ((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode === 404) return null;
      throw translateS3Error(error);
    }
  }

  async *list(options: ListOptions): AsyncIterable<ObjectInfo[]> {
    let token: string | undefined;
    do {
      const page = await attempt(() =>
        this.#client.send(
          new this.#sdk.ListObjectsV2Command({
            Bucket: this.#bucket,
            Prefix: options.prefix,
            MaxKeys: options.pageSize ?? 1000,
            StartAfter: token === undefined ? options.startAfter : undefined,
            ContinuationToken: token,
          }),
          { abortSignal: options.signal },
        ),
      );
      // A web server that answers 200 with a separate page looks like an empty bucket.
      if (page.KeyCount === undefined && page.Name === undefined) throw new StorageError('NOT_A_STORAGE');
      yield (page.Contents ?? []).flatMap(({ Key, Size, LastModified, ETag }) =>
        Key === undefined ? [] : [{ key: Key, size: Size ?? 0, modifiedAt: LastModified?.toISOString(), etag: ETag }],
      );
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  async deleteMany(keys: readonly string[], options: DeleteOptions = {}): Promise<DeleteResult> {
    if (keys.length === 0) return { deleted: 0, failed: [] };
    // one object needs no bulk request, which not every server has
    if (keys.length === 1) return this.#deleteSingly(keys, options);
    const command = new this.#sdk.DeleteObjectsCommand({
      Bucket: this.#bucket,
      Delete: { Objects: keys.map((Key) => ({ Key })), Quiet: false },
      // Content-MD5 is what every server accepts here; some know no other checksum.
      ChecksumAlgorithm: 'MD5',
    });
    let answer: DeleteObjectsCommandOutput;
    try {
      answer = await this.#client.send(command, { abortSignal: options.signal });
    } catch (error) {
      const name = (error as { name?: string }).name ?? '';
      const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
      if (NO_BULK.has(name) || status === 501) return this.#deleteSingly(keys, options);
      throw translateS3Error(error);
    }
    if (answer.Deleted === undefined && answer.Errors === undefined) throw new StorageError('NOT_A_STORAGE');
    const failed: DeleteFailure[] = (answer.Errors ?? []).map(({ Key, Code }) => failure(Key ?? '', { name: Code }));
    const deleted = answer.Deleted ?? [];
    if (deleted.length + failed.length < keys.length) {
      const named = new Set([...deleted.map((object) => object.Key), ...failed.map((object) => object.key)]);
      for (const key of keys) if (!named.has(key)) failed.push(unconfirmed(key));
    }
    const marked = deleted.flatMap(({ Key, DeleteMarker }) => (DeleteMarker && Key !== undefined ? [Key] : []));
    const versionsKept = await this.#removeVersions(marked, true, options);
    return { deleted: keys.length - failed.length, failed, versionsKept };
  }

  /** A deletion that leaves a marker hides older versions. @returns how many keys still have some */
  async #removeVersions(marked: readonly string[], isBulk: boolean, options: DeleteOptions): Promise<number> {
    if (!options.allVersions || marked.length === 0) return marked.length;
    const where = { sdk: this.#sdk, client: this.#client, bucket: this.#bucket };
    return removeVersions(where, marked, isBulk, options.signal);
  }

  async #deleteSingly(keys: readonly string[], options: DeleteOptions): Promise<DeleteResult> {
    const failed: DeleteFailure[] = [];
    const marked: string[] = [];
    const queue = [...keys];
    const worker = async () => {
      for (let key = queue.shift(); key !== undefined; key = queue.shift()) {
        try {
          const command = new this.#sdk.DeleteObjectCommand({ Bucket: this.#bucket, Key: key });
          const answer = await this.#client.send(command, { abortSignal: options.signal });
          // a web server that answers 200 with a separate page has deleted nothing
          if (answer.$metadata.httpStatusCode !== 204) throw new StorageError('NOT_A_STORAGE');
          if (answer.DeleteMarker) marked.push(key);
        } catch (error) {
          const known = error instanceof StorageError ? error : translateS3Error(error);
          if (known.code === 'OBJECT_MISSING') continue;
          if (known.code === 'ABORTED' || (keys.length === 1 && !OF_ONE_KEY.has(known.code))) throw known;
          failed.push({ key, code: known.code, message: known.message });
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(SINGLE_DELETES_AT_ONCE, keys.length) }, worker));
    const versionsKept = await this.#removeVersions(marked, false, options);
    return { deleted: keys.length - failed.length, failed, versionsKept };
  }

  async abortUploads(prefix: string, options: { signal?: AbortSignal } = {}): Promise<number> {
    const abortSignal = options.signal;
    return attempt(async () => {
      let aborted = 0;
      let at: { KeyMarker?: string; UploadIdMarker?: string } = {};
      for (;;) {
        const list = new this.#sdk.ListMultipartUploadsCommand({ Bucket: this.#bucket, Prefix: prefix, ...at });
        const page = await this.#client.send(list, { abortSignal });
        for (const { Key, UploadId } of page.Uploads ?? []) {
          if (!Key?.startsWith(prefix) || UploadId === undefined) continue;
          const abort = new this.#sdk.AbortMultipartUploadCommand({ Bucket: this.#bucket, Key, UploadId });
          try {
            await this.#client.send(abort, { abortSignal });
            aborted++;
          } catch (error) {
            // finished or aborted by somebody else in the meantime
            if ((error as { name?: string }).name !== 'NoSuchUpload') throw error;
          }
        }
        if (!page.IsTruncated || page.NextKeyMarker === undefined) return aborted;
        at = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
      }
    });
  }

  async presignGet(key: string, options: PresignOptions): Promise<string> {
    return attempt(async () => {
      const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
      const name = options.downloadName?.replace(/[\r\n"\\]/g, '_');
      const disposition = name && `attachment; filename*=UTF-8''${encodeURIComponent(name)}`;
      const command = new this.#sdk.GetObjectCommand({
        Bucket: this.#bucket,
        Key: key,
        ResponseContentDisposition: disposition,
      });
      return getSignedUrl(this.#client, command, { expiresIn: options.expiresIn });
    });
  }

  dispose(): void {
    this.#client.destroy();
  }
}

async function attempt<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw translateS3Error(error);
  }
}

function failure(key: string, error: unknown): DeleteFailure {
  const { code, message } = translateS3Error(error);
  return { key, code, message };
}

function unconfirmed(key: string): DeleteFailure {
  const { code, message } = new StorageError('NOT_CONFIRMED');
  return { key, code, message };
}
