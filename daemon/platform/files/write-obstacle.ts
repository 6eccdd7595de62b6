import { access, constants, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { ApiError } from '#shared/errors.ts';
import { fileError } from './file-errors.ts';

/**
 * Why a file cannot be written now, as a request would be answered; undefined if it can. Looks at rights, read-only mounts
 * and the immutable attribute. It changes nothing, so a full disk is not noticed.
 */
export async function writeObstacle(file: string): Promise<ApiError | undefined> {
  const target = await realpath(file).catch(() => file);
  for (const folder of new Set([path.dirname(file), path.dirname(target)])) {
    const refused = await access(folder, constants.W_OK | constants.X_OK).catch((error: unknown) => error);
    if (refused !== undefined) return fileError(refused, file);
  }
  const refused = await access(target, constants.W_OK).catch((error: NodeJS.ErrnoException) => error);
  // a missing file can be made, and another user's file in a folder of ours can be replaced
  if (refused === undefined || refused.code === 'ENOENT' || refused.code === 'EACCES') return undefined;
  return fileError(refused, file);
}
