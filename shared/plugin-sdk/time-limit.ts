import type { Readable } from 'node:stream';
import { StorageError } from './storage-error.ts';

/** A small body takes no longer than this, in milliseconds; a slow line has sent 16 MB by then. */
const BODY_MS = 120_000;

/** Ends a body that is not complete in time: a server can send its first bytes and no more. The error is TIMEOUT. */
export function limitTime(body: Readable, ms = BODY_MS): void {
  const timer = setTimeout(() => body.destroy(new StorageError('TIMEOUT')), ms);
  timer.unref();
  body.once('close', () => clearTimeout(timer));
}
