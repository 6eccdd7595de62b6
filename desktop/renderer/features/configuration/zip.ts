import { strToU8, unzipSync, zipSync } from 'fflate';

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

/** Reads the files whose path `isWanted`. @throws Error that says what is wrong */
export function unzip(archive: Uint8Array, isWanted: (path: string) => boolean, limits: ZipLimits): ZipFile[] {
  let entries = 0;
  let left = limits.bytes;
  const filter = ({ name, originalSize }: { name: string; originalSize: number }): boolean => {
    entries += 1;
    if (entries > limits.entries) throw new Refusal(`The archive has more than ${limits.entries} files.`);
    if (!isWanted(name)) return false;
    // a small archive can unpack to gigabytes; fflate never unpacks more than the size that the archive states
    left -= originalSize;
    if (left < 0) throw new Refusal('The files of the archive are too large.');
    return true;
  };
  try {
    return Object.entries(unzipSync(archive, { filter })).map(([path, content]) => ({ path, content }));
  } catch (cause) {
    throw cause instanceof Refusal ? cause : new Error('The file is not a zip archive, or it is damaged.', { cause });
  }
}

class Refusal extends Error {}

/** Packs files. */
export const zip = (files: readonly { path: string; text: string }[]): Uint8Array<ArrayBuffer> =>
  zipSync(Object.fromEntries(files.map(({ path, text }) => [path, strToU8(text)])));
