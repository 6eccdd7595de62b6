import { Readable } from 'node:stream';

/** Keys in the listing test: more than two pages of five. */
export const PAGE_KEYS = 13;

/** `n` names whose order is the same in text and in bytes. */
export function keysOf(n: number): string[] {
  return Array.from({ length: n }, (_, index) => `object-${String(index).padStart(5, '0')}.ts`);
}

/** All bytes of a stream. */
export async function bytesOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks);
}

/** A stream that does not know its length. */
export function streamOf(bytes: Buffer, chunkSize = 64 * 1024): Readable {
  return Readable.from(
    (function* () {
      for (let start = 0; start < bytes.length; start += chunkSize) yield bytes.subarray(start, start + chunkSize);
    })(),
    { objectMode: false },
  );
}
