/** Zip archives with stored and deflated files (PKWARE APPNOTE 6.3.10), without encryption and zip64. */

/** What an archive may have at most, because it comes from outside. */
export interface ZipLimits {
  entries: number;
  /** Of all files that are read, unpacked. */
  bytes: number;
}

export interface ZipFile {
  path: string;
  content: Uint8Array<ArrayBuffer>;
}

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const LONGEST_COMMENT = 0xffff;
const DAMAGED = 'The file is not a zip archive, or it is damaged.';

/** Reads the files whose path `isWanted`. @throws Error that says what is wrong */
export async function unzip(
  archive: Uint8Array<ArrayBuffer>,
  isWanted: (path: string) => boolean,
  limits: ZipLimits,
): Promise<ZipFile[]> {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  try {
    return await read(archive, view, isWanted, limits);
  } catch (error) {
    // beyond the end of the archive, or no deflated data
    throw error instanceof RangeError || error instanceof TypeError ? new Error(DAMAGED) : error;
  }
}

async function read(
  archive: Uint8Array<ArrayBuffer>,
  view: DataView,
  isWanted: (path: string) => boolean,
  limits: ZipLimits,
): Promise<ZipFile[]> {
  let end = archive.length - END_BYTES;
  while (end > archive.length - END_BYTES - LONGEST_COMMENT && end > 0 && view.getUint32(end, true) !== END) end -= 1;
  if (view.getUint32(end, true) !== END) throw new Error(DAMAGED);
  const count = view.getUint16(end + 10, true);
  if (count > limits.entries) throw new Error(`The archive has more than ${limits.entries} files.`);
  const files: ZipFile[] = [];
  let left = limits.bytes;
  let at = view.getUint32(end + 16, true);
  for (let index = 0; index < count; index += 1) {
    if (view.getUint32(at, true) !== CENTRAL) throw new Error(DAMAGED);
    const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
    const size = view.getUint32(at + 20, true);
    const nameLength = view.getUint16(at + 28, true);
    const from = view.getUint32(at + 42, true);
    const path = new TextDecoder().decode(archive.subarray(at + 46, at + 46 + nameLength));
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (!isWanted(path)) continue;
    if (flags & 1) throw new Error(`${path} is encrypted.`);
    if (view.getUint32(from, true) !== LOCAL) throw new Error(DAMAGED);
    const start = from + 30 + view.getUint16(from + 26, true) + view.getUint16(from + 28, true);
    const packed = archive.subarray(start, start + size);
    if (packed.length < size) throw new Error(DAMAGED);
    const content = await unpacked(packed, method, left, path);
    left -= content.length;
    files.push({ path, content });
  }
  return files;
}

/** Stops as soon as a file is larger than what is left: a small archive can unpack to gigabytes. */
async function unpacked(
  packed: Uint8Array<ArrayBuffer>,
  method: number,
  left: number,
  path: string,
): Promise<Uint8Array<ArrayBuffer>> {
  if (method !== 0 && method !== 8) throw new Error(`${path} is packed in a way that browsers can’t read.`);
  const source = new Blob([packed]).stream();
  const stream = method === 0 ? source : source.pipeThrough(new DecompressionStream('deflate-raw'));
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for (const reader = stream.getReader(); ; ) {
    const { value } = await reader.read();
    if (value === undefined) break;
    bytes += value.length;
    if (bytes > left) {
      await reader.cancel().catch(() => {});
      throw new Error('The files of the archive are too large.');
    }
    parts.push(value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** Packs files without compressing them. */
export function zip(files: readonly { path: string; text: string }[]): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const parts: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let offset = 0;
  for (const { path, text } of files) {
    const [name, content] = [encoder.encode(path), encoder.encode(text)];
    // version 2.0, names in UTF-8, stored, 1 January 1980
    const facts = [0x14, 0x00, 0x00, 0x08, 0, 0, 0, 0, 0x21, 0x00, ...u32(crc32(content)), ...u32(content.length)];
    const common = [...facts, ...u32(content.length), ...u16(name.length), 0, 0];
    const local = joined([Uint8Array.from([...u32(LOCAL), ...common]), name, content]);
    central.push(
      joined([
        Uint8Array.from([...u32(CENTRAL), 0x14, 0x00, ...common, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...u32(offset)]),
        name,
      ]),
    );
    parts.push(local);
    offset += local.length;
  }
  const directory = joined(central);
  const count = u16(files.length);
  const end = [...u32(END), 0, 0, 0, 0, ...count, ...count, ...u32(directory.length), ...u32(offset), 0, 0];
  return joined([...parts, directory, Uint8Array.from(end)]);
}

const u16 = (value: number): number[] => [value & 0xff, (value >> 8) & 0xff];
const u32 = (value: number): number[] => [...u16(value), ...u16(value >>> 16)];

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function crc32(content: Uint8Array): number {
  let crc = ~0;
  for (const byte of content) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
