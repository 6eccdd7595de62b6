import type { Readable } from 'node:stream';
import { StorageError } from './storage-error.ts';

/**
 * Reads a body to its end, up to a limit. A storage can ignore the range that was asked for and send without end, and no
 * heap limit counts buffers.
 * @throws StorageError NOT_A_STORAGE for a longer body
 */
export async function wholeBody(body: Readable, maxBytes: number): Promise<Buffer> {
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
