import type { Readable } from 'node:stream';
import { StorageError } from './storage-error.ts';
import { limitTime } from './time-limit.ts';

/**
 * Reads a small body to its end, up to a limit of bytes and of time. A storage can ignore the range that was asked for and send without end, and no
 * heap limit counts buffers.
 * @param ms milliseconds for all of it
 * @throws StorageError NOT_A_STORAGE for a longer body, TIMEOUT
 */
export async function wholeBody(body: Readable, maxBytes: number, ms?: number): Promise<Buffer> {
  limitTime(body, ms);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    // leaving the loop destroys the body
    if (bytes > maxBytes) throw new StorageError('NOT_A_STORAGE');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
