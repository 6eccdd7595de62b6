import { ApiError } from '#shared/errors.ts';

/**
 * What the API answers when the system refuses a file operation. This is the only place where an errno becomes an error code.
 * @returns undefined for an error that says nothing about files
 */
export function fileError(error: unknown): ApiError | undefined {
  switch ((error as { code?: unknown } | null)?.code) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'SQLITE_FULL':
      return new ApiError('STORAGE_FULL', {}, { cause: error });
    default:
      return undefined;
  }
}
