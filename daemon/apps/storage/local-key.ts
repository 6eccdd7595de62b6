import path from 'node:path';
import { isLocalKey } from '#shared/plugin-sdk/local-key.ts';

/**
 * Key of a file that a row names, relative to the app's folder or in full as LiveKit does; null when it is elsewhere or
 * is one of the app's own files.
 */
export function localKey(appFolder: string, file: string): string | null {
  if (file.includes('\0')) return null;
  const relative = path.relative(appFolder, path.resolve(appFolder, file));
  const key = relative.split(path.sep).join('/');
  return path.isAbsolute(relative) || !isLocalKey(key) ? null : key;
}
