import { Header, Pax } from 'tar';
import { damaged } from './manifest.ts';

const BLOCK = 512;
/** Pax headers hold a name; a longer one is damage. */
const MAX_PAX_BYTES = 65_536;

/** An entry that is being read. Its body must be read to the end before the next one. */
export interface TarEntry {
  name: string;
  size: number;
  body: AsyncIterable<Buffer>;
}

/** The blocks in front of a file's content. */
export function tarHeader(name: string, size: number, mode: number, mtime: Date): Buffer {
  const facts = { path: name, size, mode, mtime, type: 'File' } as const;
  const header = new Header(facts);
  const block = Buffer.alloc(BLOCK);
  const needsPax = header.encode(block, 0);
  const isShort = Buffer.byteLength(name) < 100;
  if (!needsPax && isShort) return block;
  return Buffer.concat([new Pax({ path: name, size, mtime }).encode(), block]);
}

export const tarPadding = (size: number): Buffer => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
export const TAR_END: Buffer = Buffer.alloc(2 * BLOCK);

/** Reads the files of a tar stream in order. @throws BackupProblem when it is cut off or isn't one */
export async function* tarEntries(bytes: AsyncIterable<Buffer>): AsyncGenerator<TarEntry> {
  const source = new ByteSource(bytes);
  let name: string | undefined;
  for (;;) {
    const block = await source.take(BLOCK);
    if (block.every((byte) => byte === 0)) break;
    const header = new Header(block, 0);
    if (!header.cksumValid) throw damaged('a header of the archive is wrong');
    const size = header.size ?? 0;
    if (header.type === 'ExtendedHeader') {
      if (size > MAX_PAX_BYTES) throw damaged('a header of the archive is too long');
      const pax = await source.take(size);
      await source.take(tarPadding(size).length);
      name = Pax.parse(pax.toString()).path;
      continue;
    }
    let left = size;
    const body = async function* (): AsyncGenerator<Buffer> {
      while (left > 0) {
        const chunk = await source.some(left);
        left -= chunk.length;
        yield chunk;
      }
    };
    yield { name: name ?? header.path ?? '', size, body: body() };
    name = undefined;
    while (left > 0) left -= (await source.some(left)).length;
    await source.take(tarPadding(size).length);
  }
  // the end of the encrypted stream shows whether something was cut off
  await source.drain();
}

class ByteSource {
  readonly #chunks: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);

  constructor(bytes: AsyncIterable<Buffer>) {
    this.#chunks = bytes[Symbol.asyncIterator]();
  }

  /** At least one byte, at most `most`. */
  async some(most: number): Promise<Buffer> {
    while (this.#held.length === 0) await this.#fill();
    const part = this.#held.subarray(0, most);
    this.#held = this.#held.subarray(part.length);
    return part;
  }

  async take(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let left = count; left > 0; ) {
      const part = await this.some(left);
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }

  async drain(): Promise<void> {
    while (!(await this.#chunks.next()).done);
  }

  async #fill(): Promise<void> {
    const { done, value } = await this.#chunks.next();
    if (done) throw damaged('the archive is cut off');
    this.#held = value;
  }
}
