import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** Names in a folder, sorted, without the files that SQLite makes and removes beside a database at any time. */
export async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => !/-(?:wal|shm|journal)$/.test(name)).sort();
}

/** Path and text of every file below a folder; a file that is gone before it is read is left out. */
export async function textsBelow(folder: string): Promise<{ file: string; text: string }[]> {
  const texts: { file: string; text: string }[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    const text = entry.isFile() ? await unlessGone(readFile(file, 'latin1')) : undefined;
    if (text !== undefined) texts.push({ file, text });
  }
  return texts;
}

/** Answers undefined when the file is gone. */
const unlessGone = <T>(reading: Promise<T>): Promise<T | undefined> =>
  reading.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
