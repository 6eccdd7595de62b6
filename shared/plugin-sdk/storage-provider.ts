import type { AgentOptions, Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Readable } from 'node:stream';
import type { Static, TObject, TProperties } from 'typebox';
import type { EgressTarget } from './egress-target.ts';
import type { StorageAnswer } from './storage-error.ts';

/** What a provider's backend can do natively. */
export interface StorageCapabilities {
  /** Many objects can be deleted in one request. If false, the host calls `deleteMany` with one key at a time. */
  bulkDelete: boolean;
  /** Can create links that open one object for a limited time. If false, the host requests none and says why there is no link. */
  presign: boolean;
  /**
   * Can delete older versions and delete markers: the host passes `allVersions` whenever it deletes. If false, they stay in
   * the backend, and the host says so.
   */
  versions: boolean;
  /**
   * Stores large objects and streams of unknown length in parts, and can remove unfinished uploads (`abortUploads`). The
   * host does that below an app's prefix when it deletes the app with its recordings. If false, the host always passes the
   * length.
   */
  multipart: boolean;
}

/** One credential that the provider needs. Its value is kept in the daemon's secret store, never in config.yaml. */
export interface CredentialField {
  /** `key` for the public half, `secret` for the secret half. */
  name: 'key' | 'secret';
  /** Label of the field, at most 80 characters. */
  title: string;
  /** Help beside the field, at most 500 characters. */
  description?: string;
  /** True for the secret half, which is never shown. The public half may be shown in part. */
  secret: boolean;
  /** True if nothing works without it; the connection test then says so. */
  required: boolean;
  /** Characters at most, up to 16,384; 512 if absent. For key files. */
  maxLength?: number;
}

/** What the operator changed, for `normalise`. */
export interface SettingsChange {
  /** Names of the fields that the request carries; `provider` when it chooses this provider. */
  given: readonly string[];
  /** The provider before the request. */
  previousProvider: string;
}

/** A remark on a setting. An error keeps the settings from being stored, a warning is shown. */
export interface SettingsFinding {
  /** Name of the field; dots lead into nested ones. */
  path: string;
  /** What is wrong, as the rest of a sentence that begins with the field, e.g. `is needed`. */
  message: string;
  /** `error`: the settings are refused with 400. `warning`: they are stored, and the remark is shown. */
  severity: 'error' | 'warning';
}

/** The network rules of the installation. Every connection of a provider must pass through them. */
export interface NetworkGuard {
  /** Throws a `StorageError` with `ENDPOINT_REFUSED` when the URL's scheme or literal address is not allowed. */
  check(url: string): void;
  /** Give it to the HTTP agent: it resolves names and refuses forbidden addresses at the moment of connecting. */
  lookup: LookupFunction;
  /** HTTP agents with this lookup that also use the installation's forward proxy. Absent in older versions. */
  agents?(options: AgentOptions): { http: HttpAgent; https: HttpsAgent };
  /** Address of the forward proxy that requests to the URL take; undefined = none. */
  proxy?(url: string): string | undefined;
}

/** Credentials of AWS that expire. */
export interface SessionCredentials {
  /** Access key. */
  accessKeyId: string;
  /** Secret key. */
  secretAccessKey: string;
  /** Sent with both keys, where AWS gives one. */
  sessionToken: string | undefined;
  /** When they stop working, where known. */
  expiration: Date | undefined;
}

/** What a client is opened with. */
export interface StorageContext<Settings = Record<string, unknown>> {
  /** The app's settings, after the schema and `normalise`. */
  settings: Settings;
  /** The app's credentials by name. Empty text = not stored. */
  credentials: Readonly<Record<string, string>>;
  /** Only for the built-in provider of AWS, where the operator chose the machine's role: used in place of `credentials`. */
  session?(): Promise<SessionCredentials>;
  /** The installation's address rules; see `NetworkGuard`. */
  guard: NetworkGuard;
  /** Absolute path of the app's folder; only for built-in providers with `inAppFolder` in the manifest. */
  appFolder?: string;
}

export interface CallOptions {
  /** Aborted when the host no longer needs the answer. */
  signal?: AbortSignal;
}

export interface PutOptions extends CallOptions {
  /** Media type of the object, e.g. `video/mp4`. */
  contentType?: string;
  /** Header that caches on the way to readers obey. A storage that keeps no such header ignores it. */
  cacheControl?: string;
  /** Bytes, where known; a stream without it is stored in parts. */
  contentLength?: number;
  /** Stores a stream in parts even if it is small. Only passed by the connection test, if the capability `multipart` is true. */
  inParts?: boolean;
}

export interface GetOptions extends CallOptions {
  /** First and last byte, both included, counted from 0. */
  range?: { start: number; end: number };
}

export interface DeleteOptions extends CallOptions {
  /** Deletes older versions and delete markers of these keys too. Only passed if the capability `versions` is true. */
  allVersions?: boolean;
}

export interface ListOptions extends CallOptions {
  /** Only keys that begin with it. */
  prefix: string;
  /** Only keys after this one, in the order of the listing: how a listing continues after a restart. */
  startAfter?: string;
  /** Keys a page at most; 1000 by default. */
  pageSize?: number;
}

/** An object without its content. */
export interface ObjectInfo {
  /** The whole key, with its prefix. */
  key: string;
  /** Bytes. */
  size: number;
  /** Time of the last change, ISO 8601, where known. */
  modifiedAt?: string;
  /** The storage's own word for this version of the content, where it has one. */
  etag?: string;
  /** MD5 of the whole content, 32 hex digits, where the storage tells it. Moved recordings are compared with it. */
  md5?: string;
  /** Media type, where the storage keeps one. */
  contentType?: string;
}

/** An object that is being read. */
export interface OpenObject {
  /** The bytes that were asked for. The host reads it to the end or destroys it. */
  body: Readable;
  /** Bytes of `body`; undefined if unknown. */
  size: number | undefined;
  /** Media type; undefined if the storage keeps none. */
  contentType: string | undefined;
}

/** One refused key, with what the storage itself says about it. */
export interface DeleteFailure extends StorageAnswer {
  /** One of the keys that were to be deleted. Others are left out. */
  key: string;
  /** A `StorageErrorCode`. */
  code: string;
  /** For people; no credential, no URL. Cut after 300 characters. */
  message: string;
}

export interface DeleteResult {
  /** Number of keys that are gone now; one that was missing before counts as well. More than were asked for count as all. */
  deleted: number;
  /** Every key that was not confirmed as gone. If keys are neither here nor counted, all others fail with `NOT_CONFIRMED`. */
  failed: DeleteFailure[];
  /** Of the deleted ones, how many still take space as an older version that was not removed as well; 0 if absent. */
  versionsKept?: number;
  /** Set if the storage refused to delete in bulk, so that each key took a request: what the storage said, cut after 300 characters. */
  bulkRefusal?: string;
}

export interface PresignOptions extends CallOptions {
  /** Seconds until the link expires, 1 to 604800. */
  expiresIn: number;
  /** Makes browsers save under this name. */
  downloadName?: string;
}

/** An open storage. Every method throws `StorageError` and nothing else for what the storage or the network does. */
export interface StorageClient {
  /** Stores an object, and replaces an existing one with that key. */
  put(key: string, body: Readable | Uint8Array | string, options?: PutOptions): Promise<void>;
  /** Opens an object for reading. Throws `OBJECT_MISSING`. */
  get(key: string, options?: GetOptions): Promise<OpenObject>;
  /** Describes an object; null if there is none. */
  head(key: string, options?: CallOptions): Promise<ObjectInfo | null>;
  /** Lists keys page by page, in the storage's order. Never holds more than one page. */
  list(options: ListOptions): AsyncIterable<ObjectInfo[]>;
  /**
   * Deletes up to `maxDeleteBatch` keys. A refused key is listed in `failed` and doesn't affect the others. Throws only when
   * the whole call failed and the state of every key is unknown.
   */
  deleteMany(keys: readonly string[], options?: DeleteOptions): Promise<DeleteResult>;
  /** Creates a link that opens the object without a credential. Required if the capability `presign` is true. */
  presignGet?(key: string, options: PresignOptions): Promise<string>;
  /**
   * Removes the parts of all unfinished uploads below a prefix; returns the number of uploads. Required if the capability
   * `multipart` is true.
   */
  abortUploads?(prefix: string, options?: CallOptions): Promise<number>;
  /**
   * Creates the bucket that the settings name; false if it is there already and belongs to the account. Only called for
   * built-in providers.
   */
  createBucket?(): Promise<boolean>;
  /**
   * Lets pages of any site read the bucket's objects (CORS, GET and HEAD) and keeps its other rules; false if they may
   * already. Only called for built-in providers.
   */
  allowPages?(): Promise<boolean>;
  /** Closes connections. May be called more than once. */
  dispose(): void;
}

/**
 * A storage provider: how one kind of storage is configured and reached. The host renders its form from `settings` and
 * `credentials`, validates with them, and calls `open` inside a worker.
 */
export interface StorageProvider<P extends TProperties = TProperties> {
  /** The same as in the manifest. */
  id: string;
  /** @deprecated Not used. The manifest's title is shown. */
  title?: string;
  /** @deprecated Not used. The manifest's description is shown. */
  description?: string;
  /** Address of a page that explains the settings. */
  docsUrl?: string;
  /** What the backend can do; the host follows it. */
  capabilities: StorageCapabilities;
  /**
   * Settings as a TypeBox object; titles and descriptions become the form. `bucket`, `region`, `endpoint` and
   * `forcePathStyle` are stored under their own keys of the app's `s3` block, all others below `s3.options`.
   */
  settings: TObject<P>;
  /** Credentials to keep in the secret store; an empty list if there are none. */
  credentials: readonly CredentialField[];
  /** Most keys per call of `deleteMany`, 1 to 1000; the host passes one if `bulkDelete` is false. */
  maxDeleteBatch: number;
  /** Fills in and cleans up settings after a change. Must be pure. */
  normalise?(settings: Static<TObject<P>>, change: SettingsChange): Static<TObject<P>>;
  /** Findings that the schema can't express. Must be pure. */
  validate?(settings: Static<TObject<P>>): SettingsFinding[];
  /** The URL that the client will connect to; undefined if it uses no network. */
  endpoint?(settings: Static<TObject<P>>): string | undefined;
  /**
   * How LiveKit's egress service writes to this storage. Must be pure. Required if the manifest says `egressTarget`. Without
   * it, LiveKit writes to the app's folder and the daemon moves recordings with `put`.
   * @param credentials by name; `sessionToken` too where they expire
   * @throws StorageError, e.g. `CREDENTIALS_MISSING`
   */
  egressTarget?(settings: Static<TObject<P>>, credentials: Readonly<Record<string, string>>): EgressTarget;
  /** Opens a client. Connects only when first used. */
  open(context: StorageContext<Static<TObject<P>>>): StorageClient | Promise<StorageClient>;
}

/** Declares a storage provider, keeping the types of its settings. */
// By the properties: from a whole schema as parameter, TypeScript derives the values a hundred times slower.
export function defineStorageProvider<const P extends TProperties>(provider: StorageProvider<P>): StorageProvider<P> {
  return provider;
}
