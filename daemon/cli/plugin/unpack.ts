import { stat } from 'node:fs/promises';
import { extract, list, type ReadEntry } from 'tar';
import { INSIDE_PATTERN } from '#shared/plugin-sdk/manifest.ts';
import { type PluginProblemCode, type ProblemPlace, refusal } from '#shared/plugin-sdk/problems.ts';
import { MAX_PLUGIN_BYTES, MAX_PLUGIN_FILES } from '../../plugins/packed-files.ts';

const INSIDE = new RegExp(INSIDE_PATTERN);

export const isPacked = (file: string): boolean => /\.(?:tgz|tar\.gz)$/i.test(file);

/**
 * Unpacks a plugin into an empty folder. Looks at all headers first: nothing is written of an archive that holds links,
 * paths that lead out of its folder, or more than a plugin may.
 * @throws PluginRefusal
 */
export async function unpackPlugin(file: string, target: string): Promise<void> {
  // packing shrinks; a file above the limit cannot hold less
  if ((await stat(file)).size > MAX_PLUGIN_BYTES) throw tooMuch(`${MAX_PLUGIN_BYTES} bytes`);
  try {
    // the header of an entry is checked before its contents are read
    list({ file, sync: true, strict: true, onReadEntry: entryCheck() });
  } catch (error) {
    if (error instanceof Error && error.name === 'PluginRefusal') throw error;
    throw archiveFault('ARCHIVE_UNREADABLE', { detail: (error as NodeJS.ErrnoException).code ?? 'damaged' });
  }
  extract({ file, cwd: target, sync: true, strict: true, strip: 1, noMtime: true });
}

/** Checks one archive, entry by entry. */
function entryCheck(): (entry: ReadEntry) => void {
  let files = 0;
  let bytes = 0;
  let top: string | undefined;
  return ({ path: name, type, size }) => {
    if (type === 'Directory') {
      if (!INSIDE.test(name.replace(/\/$/, ''))) throw archiveFault('ARCHIVE_PATH', { file: name });
      return;
    }
    if (type !== 'File' && type !== 'OldFile') throw archiveFault('ARCHIVE_LINK', { file: name });
    const [first, ...rest] = name.split('/');
    top ??= first;
    if (!INSIDE.test(name) || rest.length === 0 || first !== top) throw archiveFault('ARCHIVE_PATH', { file: name });
    files += 1;
    bytes += size;
    if (files > MAX_PLUGIN_FILES) throw tooMuch(`${MAX_PLUGIN_FILES} files`);
    if (bytes > MAX_PLUGIN_BYTES) throw tooMuch(`${MAX_PLUGIN_BYTES} bytes`);
  };
}

const archiveFault = (code: PluginProblemCode, place: ProblemPlace) => refusal(code, place);
const tooMuch = (detail: string) => refusal('TOO_MANY_FILES', { detail });
