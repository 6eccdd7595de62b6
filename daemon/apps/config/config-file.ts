import { createHash } from 'node:crypto';
import { type FileHandle, open, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileError } from '#daemon/platform/files/file-errors.ts';
import type { ApiError } from '#shared/errors.ts';

export const CONFIG_NAME = 'config.yaml';
/** The longest text that can be valid, in bytes: four for each character. */
const MAX_BYTES = 400_000;

/** What is on the disk in the config's place. */
export type DiskState =
  | { kind: 'missing'; stamp: '' }
  /** There is something, but no text: too large, not UTF-8, not readable. */
  | { kind: 'unusable'; stamp: string; reason: string; refusal?: ApiError | undefined }
  | { kind: 'text'; stamp: string; text: string; etag: string; mode: number };

export const MISSING: DiskState = { kind: 'missing', stamp: '' };

/** Strong ETag of a text. */
export function etagOf(content: string | Uint8Array): string {
  return `"${createHash('sha256').update(content).digest('base64url').slice(0, 27)}"`;
}

interface Facts {
  ino: bigint;
  size: bigint;
  mtimeNs: bigint;
}
/** Differs whenever the file was written or replaced. */
const stampOf = ({ ino, size, mtimeNs }: Facts): string => `${ino}-${size}-${mtimeNs}`;

/** The stamp of what is there now; an empty one when nothing is. */
export async function readStamp(dir: string): Promise<string> {
  try {
    return stampOf(await stat(path.join(dir, CONFIG_NAME), { bigint: true }));
  } catch (error) {
    return stampOfError(error);
  }
}

/** Nothing is there, or it cannot be looked at. */
function stampOfError(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR' ? '' : `error-${code}`;
}

/** Reads an app's config file. Never throws for what is or is not there. */
export async function readConfigFile(dir: string): Promise<DiskState> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path.join(dir, CONFIG_NAME), 'r');
    const facts = await handle.stat({ bigint: true });
    const stamp = stampOf(facts);
    if (!facts.isFile()) return { kind: 'unusable', stamp, reason: 'config.yaml is not a file' };
    if (facts.size > MAX_BYTES)
      return { kind: 'unusable', stamp, reason: 'config.yaml is larger than a config can be' };
    const bytes = await handle.readFile();
    const text = decode(bytes);
    if (text === undefined)
      return {
        kind: 'unusable',
        stamp,
        reason: isUtf16(bytes) ? 'config.yaml is UTF-16 text; save it as UTF-8' : 'config.yaml is not UTF-8 text',
      };
    return { kind: 'text', stamp, text, etag: etagOf(bytes), mode: Number(facts.mode) & 0o777 };
  } catch (error) {
    const stamp = stampOfError(error);
    if (stamp === '') return MISSING;
    const refusal = fileError(error, path.join(dir, CONFIG_NAME));
    // paths below DATA_DIR: the app's team sees this, too
    const root = path.dirname(path.dirname(dir)) + path.sep;
    const reason = refusal && `${refusal.message} ${refusal.hint ?? ''}`.trimEnd().replaceAll(root, '');
    return { kind: 'unusable', stamp, reason: reason ?? `config.yaml cannot be read: ${String(error)}`, refusal };
  } finally {
    await handle?.close();
  }
}

const UTF16_MARKS = [
  [0xff, 0xfe],
  [0xfe, 0xff],
];
/** Windows editors call this “Unicode”. */
const isUtf16 = (bytes: Uint8Array) => UTF16_MARKS.some(([a, b]) => bytes[0] === a && bytes[1] === b);

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
