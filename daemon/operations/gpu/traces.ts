import { access, constants, readdir } from 'node:fs/promises';
import path from 'node:path';

/**
 * Is there anything that a probe could find: an nvidia-smi on the PATH or a render node? Most servers have neither, and
 * need no thread to learn that.
 */
export async function hasGpuTraces(
  searchPath: string = process.env['PATH'] ?? '',
  driDir = '/dev/dri',
): Promise<boolean> {
  const nodes = await readdir(driDir).catch(() => []);
  if (nodes.some((name) => name.startsWith('renderD'))) return true;
  const names = process.platform === 'win32' ? ['nvidia-smi.exe'] : ['nvidia-smi'];
  const places = searchPath.split(path.delimiter).filter((dir) => dir !== '');
  const found = await Promise.all(
    places.flatMap((dir) =>
      names.map((name) =>
        access(path.join(dir, name), constants.X_OK).then(
          () => true,
          () => false,
        ),
      ),
    ),
  );
  return found.includes(true);
}
