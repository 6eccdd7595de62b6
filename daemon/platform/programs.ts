import { access, constants } from 'node:fs/promises';
import path from 'node:path';

/**
 * Finds programs on PATH, as a shell would.
 * @returns the absolute path, or undefined when this machine lacks it
 */
export async function findProgram(name: string): Promise<string | undefined> {
  const extensions = process.platform === 'win32' ? ['.exe'] : [''];
  for (const folder of (process.env['PATH'] ?? '').split(path.delimiter)) {
    for (const extension of folder === '' ? [] : extensions) {
      const file = path.join(folder, name + extension);
      const isThere = await access(file, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (isThere) return file;
    }
  }
  return undefined;
}
