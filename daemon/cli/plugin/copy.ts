import { copyFile, lstat } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '#shared/files/make-folder.ts';
import { refusal } from '#shared/plugin-sdk/problems.ts';
import { filesOf } from '../../plugins/packed-files.ts';

/** What stays at home: dotfiles, dependencies, tests, and what only editors and npm need. */
const LEFT_OUT =
  /(?:^|\/)(?:\.|node_modules(?:\/|$)|test(?:s)?(?:\/|$)|package-lock\.json$|tsconfig[\w.-]*\.json$)|\.test\.[cm]?[jt]s$|\.(?:tgz|tar\.gz)$/;

/**
 * Copies what of an author's folder belongs to the plugin where it runs. A link is refused, because its contents may be
 * anything of the author's machine.
 * @returns the files, sorted
 * @throws PluginRefusal
 */
export async function copyPlugin(from: string, to: string): Promise<string[]> {
  const files = await filesOf(from, (file) => !LEFT_OUT.test(file));
  for (const file of files) {
    const source = path.join(from, file);
    const info = await lstat(source);
    if (info.isSymbolicLink()) throw refusal('FILE_OUTSIDE', { file });
    if (!info.isFile()) throw refusal('FILE_NOT_A_FILE', { file });
    await makeFolder(path.dirname(path.join(to, file)), 0o777);
    await copyFile(source, path.join(to, file));
  }
  return files;
}
