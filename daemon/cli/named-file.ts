import { readFile, stat } from 'node:fs/promises';
import { UsageError } from './exit-codes.ts';

/**
 * Reads a file that the command line names.
 * @param ofFolder what to do with a folder instead
 * @throws UsageError where it can't be read
 */
export const readNamed = (file: string, ofFolder = 'Name a file.'): Promise<Buffer> =>
  readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(
      error.code === 'EISDIR' ? `${file} is a folder. ${ofFolder}` : `${file} can’t be read: ${error.message}`,
    );
  });

/** Refuses a name that leads to no file, before a person enters a passphrase for it. @throws UsageError */
export async function checkNamed(file: string): Promise<void> {
  const found = await stat(file).catch((error: Error) => {
    throw new UsageError(`${file} can’t be read: ${error.message}`);
  });
  if (found.isDirectory()) throw new UsageError(`${file} is a folder. Name a file.`);
}
