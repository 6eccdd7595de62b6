import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Readable } from 'node:stream';
import type { BucketLocationConstraint, S3Client } from '@aws-sdk/client-s3';
import { ListingLimit, limitedPages } from '../listing-limit.ts';
import { sizeOf } from '../object-size.ts';
import { StorageError } from '../storage-error.ts';
import type {
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
import { limitAnswers } from './answer-limit.ts';
import { sendContentMd5 } from './content-md5.ts';
import { ObjectDeleter } from './delete.ts';
import { translateS3Error } from './errors.ts';
import type { S3Settings } from './settings.ts';

export interface S3Options {
  /** URL to connect to where `settings.endpoint` is empty; undefined = AWS by region. */
  endpoint?: string;
}

/** What hls.js needs, as in docs/live-hls.md. */
const PAGES_RULE = {
  AllowedOrigins: ['*'],
  AllowedMethods: ['GET', 'HEAD'],
  AllowedHeaders: ['*'],
  MaxAgeSeconds: 3600,
};

const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/** A storage client for any S3-compatible service. The AWS SDK is loaded here, when a client is first opened. */
export async function openS3(context: StorageContext<S3Settings>, options: S3Options = {}): Promise<StorageClient> {
  const { settings, credentials, guard } = context;
  const { key: accessKeyId, secret: secretAccessKey } = credentials;
  if (context.session === undefined && (!accessKeyId || !secretAccessKey))
    throw new StorageError('CREDENTIALS_MISSING');
  if (settings.bucket === '') throw new StorageError('BUCKET_NOT_SET');
  const endpoint = settings.endpoint || options.endpoint;
  if (endpoint !== undefined) guard.check(endpoint);
  const sdk = await import('@aws-sdk/client-s3');
  const agent = { keepAlive: true, maxSockets: 16 };
  const direct = { ...agent, lookup: guard.lookup };
  const agents = guard.agents?.(agent) ?? { http: new HttpAgent(direct), https: new HttpsAgent(direct) };
  const client = new sdk.S3Client({
    region: settings.region || 'us-east-1',
    endpoint,
    forcePathStyle: settings.forcePathStyle,
    credentials: context.session ?? { accessKeyId: accessKeyId ?? '', secretAccessKey: secretAccessKey ?? '' },
    // Servers beside AWS know neither trailing checksums nor aws-chunked bodies.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      httpAgent: agents.http,
      httpsAgent: agents.https,
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
  sendContentMd5(client);
  limitAnswers(client);
  return new S3StorageClient(sdk, client, settings.bucket, endpoint === undefined);
}

type Sdk = typeof import('@aws-sdk/client-s3');

class S3StorageClient implements StorageClient {
  readonly #sdk: Sdk;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #isAws: boolean;
  readonly #deleter: ObjectDeleter;

  constructor(sdk: Sdk, client: S3Client, bucket: string, isAws: boolean) {
    this.#sdk = sdk;
    this.#client = client;
    this.#bucket = bucket;
    this.#isAws = isAws;
    this.#deleter = new ObjectDeleter({ sdk, client, bucket });
  }

  async put(key: string, body: Readable | Uint8Array | string, options: PutOptions = {}): Promise<void> {
    const { contentType: ContentType, cacheControl: CacheControl } = options;
    const input = { Bucket: this.#bucket, Key: key, ContentType, CacheControl };
    await attempt(async () => {
      if (!(body instanceof Readable)) {
        const bytes = typeof body === 'string' ? Buffer.from(body) : body;
        const command = new this.#sdk.PutObjectCommand({ ...input, Body: bytes, ContentLength: bytes.byteLength });
        await this.#client.send(command, { abortSignal: options.signal });
        return;
      }
      if (options.inParts) return this.#putInParts(input, body, options.signal);
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

  /** One part, however small: `Upload` makes parts only above 5 MiB. */
  async #putInParts(
    object: { Bucket: string; Key: string },
    body: Readable,
    abortSignal: AbortSignal | undefined,
  ): Promise<void> {
    const { CreateMultipartUploadCommand, UploadPartCommand, CompleteMultipartUploadCommand } = this.#sdk;
    const { AbortMultipartUploadCommand } = this.#sdk;
    const { UploadId } = await this.#client.send(new CreateMultipartUploadCommand(object), { abortSignal });
    if (UploadId === undefined) throw new StorageError('NOT_A_STORAGE');
    const upload = { Bucket: object.Bucket, Key: object.Key, UploadId };
    try {
      const Body = Buffer.concat(await body.toArray());
      const part = new UploadPartCommand({ ...upload, PartNumber: 1, Body, ContentLength: Body.byteLength });
      const { ETag } = await this.#client.send(part, { abortSignal });
      const MultipartUpload = { Parts: [{ ETag, PartNumber: 1 }] };
      await this.#client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload }), { abortSignal });
    } catch (error) {
      await this.#client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
      throw error;
    }
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
        size: sizeOf(answer.ContentLength),
        modifiedAt: answer.LastModified?.toISOString(),
        etag: answer.ETag,
        contentType: answer.ContentType,
      };
    } catch (error) {
      if ((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode === 404) return null;
      throw translateS3Error(error);
    }
  }

  list(options: ListOptions): AsyncIterable<ObjectInfo[]> {
    return limitedPages(this.#pages(options), options.prefix);
  }

  async *#pages(options: ListOptions): AsyncGenerator<{ objects: ObjectInfo[]; next: string | undefined }> {
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
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
      const objects = (page.Contents ?? []).flatMap(({ Key, Size, LastModified, ETag }) =>
        Key === undefined
          ? []
          : [{ key: Key, size: sizeOf(Size), modifiedAt: LastModified?.toISOString(), etag: ETag }],
      );
      yield { objects, next: token };
    } while (token !== undefined);
  }

  async deleteMany(keys: readonly string[], options: DeleteOptions = {}): Promise<DeleteResult> {
    return this.#deleter.delete(keys, options);
  }

  async abortUploads(prefix: string, options: { signal?: AbortSignal } = {}): Promise<number> {
    const abortSignal = options.signal;
    return attempt(async () => {
      let aborted = 0;
      let at: { KeyMarker?: string; UploadIdMarker?: string } = {};
      const limit = new ListingLimit();
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
        limit.add({ next: JSON.stringify(at), count: page.Uploads?.length ?? 0 });
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
      // a link ends with the credentials that signed it
      const { expiration } = await this.#client.config.credentials();
      const left = expiration === undefined ? Infinity : Math.floor((expiration.getTime() - Date.now()) / 1000);
      return getSignedUrl(this.#client, command, { expiresIn: Math.max(1, Math.min(options.expiresIn, left)) });
    });
  }

  async allowPages(): Promise<boolean> {
    return attempt(async () => {
      const bucket = { Bucket: this.#bucket };
      const { CORSRules = [] } = await this.#client.send(new this.#sdk.GetBucketCorsCommand(bucket)).catch((error) => {
        if ((error as { name?: string }).name === 'NoSuchCORSConfiguration') return { CORSRules: [] };
        throw error;
      });
      const isOpen = CORSRules.some(
        ({ AllowedOrigins, AllowedMethods }) => AllowedOrigins?.includes('*') && AllowedMethods?.includes('GET'),
      );
      if (isOpen) return false;
      const CORSConfiguration = { CORSRules: [...CORSRules, PAGES_RULE] };
      await this.#client.send(new this.#sdk.PutBucketCorsCommand({ ...bucket, CORSConfiguration }));
      return true;
    });
  }

  async createBucket(): Promise<boolean> {
    return attempt(async () => {
      // AWS wants the region in the body; other services have one region, which their endpoint names
      const region = this.#isAws ? await this.#client.config.region() : 'us-east-1';
      const CreateBucketConfiguration =
        region === 'us-east-1' ? undefined : { LocationConstraint: region as BucketLocationConstraint };
      // some services answer alike for a new bucket and for one's own
      const head = new this.#sdk.HeadBucketCommand({ Bucket: this.#bucket });
      if (
        await this.#client.send(head).then(
          () => true,
          () => false,
        )
      )
        return false;
      try {
        await this.#client.send(new this.#sdk.CreateBucketCommand({ Bucket: this.#bucket, CreateBucketConfiguration }));
        return true;
      } catch (error) {
        if ((error as { name?: string }).name === 'BucketAlreadyOwnedByYou') return false;
        throw error;
      }
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
