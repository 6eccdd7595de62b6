/**
 * SQL that adds up the figures of `vods`. A row counts as nothing below 0 and as the limit above it, so that no row can
 * move a quota by nonsense or overflow the sum. The limits are those of media/livekit/facts.ts.
 */
const amount = (column: string): string => `min(max(coalesce(${column}, 0), 0), 50000000000000)`;

/** Of ladders and other forms of recordings. */
export const LADDER_BYTES = `CAST(total(${amount('ladder_bytes')}) AS INTEGER)`;
/** Of recordings and their ladders. */
export const STORED_BYTES = `CAST(total(${amount('size_bytes')} + ${amount('ladder_bytes')}) AS INTEGER)`;

/** @param seconds SQL of a row's length in seconds; null counts as nothing */
export const recordedSeconds = (seconds = 'duration_s'): string =>
  `total(min(max(coalesce(${seconds}, 0), 0), 2678400))`;
