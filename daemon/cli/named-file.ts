import type { Stats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { UsageError } from './exit-codes.ts';

/**
 * Reads a file that the command line names.
 * @param ofFolder what to do with a folder instead
 * @throws UsageError where it can't be read
 */
export async function readNamed(file: string, ofFolder?: string): Promise<Buffer> {
  await checkNamed(file, ofFolder);
  return readFile(file).catch(refuse(file));
}

/** Checks that the file is there, for example before a person enters a passphrase for it. @throws UsageError */
export async function checkNamed(file: string, ofFolder = 'Name a file.'): Promise<void> {
  const found = await statNamed(file);
  if (found.isDirectory()) throw new UsageError(`${file} is a folder. ${ofFolder}`);
}

/** What is at a place that the command line names. @throws UsageError */
export const statNamed = (file: string): Promise<Stats> => stat(file).catch(refuse(file));

const refuse =
  (file: string) =>
  (error: NodeJS.ErrnoException): never => {
    throw new UsageError(
      error.code === 'ENOENT' ? `${file} does not exist` : `${file} can’t be read: ${error.message}`,
    );
  };
