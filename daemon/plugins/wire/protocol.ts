import {
  STORAGE_ERRORS,
  type StorageAnswer,
  StorageError,
  type StorageErrorCode,
} from '#shared/plugin-sdk/storage-error.ts';

/** Parameters of the calls; they come from the host and are trusted. */
export interface Params {
  describe: { ids: readonly string[] };
  validate: { provider: string; settings: Record<string, unknown>; change: unknown };
  open: { provider: string; settings: Record<string, unknown>; credentials: Record<string, string> };
  egressTarget: { provider: string; settings: Record<string, unknown>; credentials: Record<string, string> };
  put: {
    key: string;
    contentType?: string | undefined;
    cacheControl?: string | undefined;
    contentLength?: number | undefined;
    inParts?: boolean | undefined;
  };
  get: { key: string; range?: { start: number; end: number } | undefined };
  head: { key: string };
  list: { prefix: string; startAfter?: string | undefined; pageSize?: number | undefined };
  next: { iterator: number };
  return: { iterator: number };
  deleteMany: { keys: readonly string[]; allVersions: boolean };
  abortUploads: { prefix: string };
  presignGet: { key: string; expiresIn: number; downloadName?: string | undefined };
}

export type Method = keyof Params;

/** Calls that need no network: one that takes long is the plugin's own fault, not the storage's. */
export const PURE: ReadonlySet<Method> = new Set<Method>(['describe', 'validate', 'egressTarget', 'open', 'return']);

export interface WireError extends StorageAnswer {
  /** A `StorageErrorCode`; anything else counts as FAILED. */
  code: string;
  detail?: string | undefined;
  /** Of an error that the plugin's own code threw; for the log. */
  stack?: string | undefined;
}

/** The error as a caller of a storage client gets it. */
export function fromWireError(value: unknown): StorageError {
  const { code, detail, ...said } = (typeof value === 'object' && value !== null ? value : {}) as Partial<WireError>;
  const known = typeof code === 'string' && Object.hasOwn(STORAGE_ERRORS, code) ? (code as StorageErrorCode) : 'FAILED';
  return new StorageError(known, {
    ...(typeof detail === 'string' && detail !== '' ? { detail: plain(detail, 300) } : {}),
    ...plainAnswer(said),
  });
}

/** The stack of an error that the plugin's own code threw; undefined for what a storage said. */
export function stackIn(value: unknown): string | undefined {
  const { stack } = (typeof value === 'object' && value !== null ? value : {}) as Partial<WireError>;
  return typeof stack === 'string' ? stack.slice(0, 10_000) : undefined;
}

/** What a storage said, from a plugin: parts of the wrong type count as absent. */
export function plainAnswer({ native, status, requestId }: { [Part in keyof StorageAnswer]: unknown }): StorageAnswer {
  return {
    ...(typeof native === 'string' ? { native } : {}),
    ...(typeof status === 'number' ? { status } : {}),
    ...(typeof requestId === 'string' ? { requestId } : {}),
  };
}

export function toWireError(error: unknown): WireError {
  if (!(error instanceof StorageError)) return { code: 'FAILED' };
  const { code, message } = error;
  const detail = detailOf(error);
  return { code, detail: detail === message ? '' : detail, ...error.answer };
}

/** What is special about an error; its usual words where nothing is. */
export function detailOf({ code, message }: StorageError): string {
  const known = STORAGE_ERRORS[code]?.message ?? '';
  return (message.startsWith(known) && message.slice(known.length).trim()) || message;
}

/** Nesting of what a plugin sends: a provider's settings schema is the deepest. */
const MAX_DEPTH = 40;

/** Parsed JSON that is safe to copy and merge: not too deep, and without keys that change a prototype. */
export function isPlain(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth > MAX_DEPTH || Object.hasOwn(value, '__proto__')) return false;
  return Object.values(value).every((item) => isPlain(item, depth + 1));
}

/** One line without control characters. */
export const plain = (words: string, length: number): string =>
  words
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
    .trim()
    .slice(0, length);
