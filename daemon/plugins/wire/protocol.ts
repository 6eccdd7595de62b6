import { type Static, type TSchema, Type } from 'typebox';
import { STORAGE_ERRORS, StorageError, type StorageErrorCode } from '#shared/plugin-sdk/storage-error.ts';
import { CredentialFields, StorageCapabilitiesShape } from '../provider-shape.ts';

/** What a plugin's process may answer. Anything else ends it. */
const text = (maxLength: number) => Type.String({ maxLength });
const count = Type.Integer({ minimum: 0 });
const ObjectInfo = Type.Object({
  key: text(4096),
  size: Type.Number({ minimum: 0 }),
  modifiedAt: Type.Optional(text(64)),
  etag: Type.Optional(text(256)),
  contentType: Type.Optional(text(256)),
});
const Handle = Type.Object({ iterator: count });

const Descriptions = Type.Array(
  Type.Object({
    id: text(64),
    title: Type.String({ minLength: 1, maxLength: 200 }),
    description: text(2000),
    docsUrl: Type.Union([Type.Null(), Type.String({ pattern: '^https?://', maxLength: 1000 })]),
    capabilities: StorageCapabilitiesShape,
    credentials: CredentialFields,
    settings: Type.Object({ type: Type.Literal('object'), properties: Type.Record(Type.String(), Type.Unknown()) }),
    maxDeleteBatch: Type.Integer({ minimum: 1, maximum: 1000 }),
  }),
  { maxItems: 20 },
);

export const ANSWERS = {
  /** Or what is wrong with it. */
  describe: Type.Union([
    Type.Object({ providers: Descriptions }),
    Type.Object({ problem: text(64), detail: text(500) }),
  ]),
  judge: Type.Object({
    settings: Type.Record(Type.String(), Type.Unknown()),
    findings: Type.Array(
      Type.Object({
        path: text(200),
        message: text(500),
        severity: Type.Union([Type.Literal('error'), Type.Literal('warning')]),
      }),
      { maxItems: 100 },
    ),
    endpoint: Type.Union([Type.Null(), text(2048)]),
    maxDeleteBatch: Type.Integer({ minimum: 1, maximum: 1000 }),
  }),
  open: Type.Object({ canPresign: Type.Boolean() }),
  put: Type.Null(),
  get: Type.Object({ size: Type.Union([Type.Null(), count]), contentType: Type.Union([Type.Null(), text(256)]) }),
  head: Type.Union([Type.Null(), ObjectInfo]),
  list: Handle,
  next: Type.Union([Type.Null(), Type.Array(ObjectInfo, { maxItems: 1000 })]),
  return: Type.Null(),
  deleteMany: Type.Object({
    deleted: count,
    failed: Type.Array(Type.Object({ key: text(4096), code: text(64), message: text(500) }), { maxItems: 1000 }),
    versionsKept: count,
  }),
  presignGet: Type.String({ pattern: '^https?://', maxLength: 16_384 }),
} as const satisfies Record<string, TSchema>;

export type Method = keyof typeof ANSWERS;
export type Answer<M extends Method> = Static<(typeof ANSWERS)[M]>;

/** Parameters of the calls; they come from the host and are trusted. */
export interface Params {
  describe: { ids: readonly string[] };
  judge: { provider: string; settings: Record<string, unknown>; change: unknown };
  open: { provider: string; settings: Record<string, unknown>; credentials: Record<string, string> };
  put: { key: string; contentType?: string | undefined; contentLength?: number | undefined };
  get: { key: string; range?: { start: number; end: number } | undefined };
  head: { key: string };
  list: { prefix: string; startAfter?: string | undefined; pageSize?: number | undefined };
  next: { iterator: number };
  return: { iterator: number };
  deleteMany: { keys: readonly string[] };
  presignGet: { key: string; expiresIn: number; downloadName?: string | undefined };
}

/** Calls that need no network: one that takes long is the plugin's own fault, not the storage's. */
export const PURE: ReadonlySet<Method> = new Set<Method>(['describe', 'judge', 'open', 'return']);

export interface WireError {
  /** A `StorageErrorCode`; anything else counts as FAILED. */
  code: string;
  detail?: string | undefined;
  native?: string | undefined;
}

/** The error as a caller of a storage client gets it. */
export function fromWireError(value: unknown): StorageError {
  const { code, detail, native } = (typeof value === 'object' && value !== null ? value : {}) as Partial<WireError>;
  const known = typeof code === 'string' && Object.hasOwn(STORAGE_ERRORS, code) ? (code as StorageErrorCode) : 'FAILED';
  return new StorageError(known, {
    ...(typeof detail === 'string' && detail !== '' ? { detail: plain(detail, 300) } : {}),
    ...(typeof native === 'string' ? { native } : {}),
  });
}

export function toWireError(error: unknown): WireError {
  if (!(error instanceof StorageError)) return { code: 'FAILED' };
  const { code, native, message } = error;
  const known = STORAGE_ERRORS[code]?.message ?? '';
  const detail = message.startsWith(known) ? message.slice(known.length).trim() : '';
  return { code, detail, native };
}

/** One line without control characters. */
export const plain = (words: string, length: number): string =>
  words
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
    .trim()
    .slice(0, length);
