import { rm } from 'node:fs/promises';
import path from 'node:path';

/** Removes a recording's local file; never anything outside of the app's folder. A missing file is fine. */
export async function removeLocalFile(appDir: string, localPath: string): Promise<void> {
  const file = path.resolve(appDir, localPath);
  if (!file.startsWith(path.resolve(appDir) + path.sep)) return;
  await rm(file, { force: true });
}
