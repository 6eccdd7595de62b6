/**
 * SQL that adds up the figures of `vods`. A row counts as nothing below 0 and as the limit above it, so that no row can
 * move a quota by nonsense or overflow the sum. The limits are those of media/livekit/facts.ts.
 */
export const STORED_BYTES = 'CAST(total(min(max(coalesce(size_bytes, 0), 0), 50000000000000)) AS INTEGER)';

/** @param seconds SQL of a row's length in seconds; null counts as nothing */
export const recordedSeconds = (seconds = 'duration_s'): string =>
  `total(min(max(coalesce(${seconds}, 0), 0), 2678400))`;
