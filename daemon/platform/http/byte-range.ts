import { ApiError } from '#shared/errors.ts';

/**
 * The bytes that a header `Range` asks for; undefined = all, also for what isn't one range of bytes (RFC 9110, 14.2).
 * @throws ApiError RANGE_NOT_SATISFIABLE
 */
export function rangeOf(header: string | undefined, size: number): { start: number; end: number } | undefined {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (from === '' && to === '') return undefined;
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (start > end) throw rangeNotSatisfiable(size);
  return { start, end };
}

/** Tells the size, so that a client with a part knows whether it has the whole file. */
export const rangeNotSatisfiable = (size: number): ApiError =>
  new ApiError('RANGE_NOT_SATISFIABLE', { size }, { headers: { 'content-range': `bytes */${size}` } });
