import { LARGEST_OBJECT } from '#shared/plugin-sdk/object-size.ts';

/**
 * Numbers that LiveKit reports, within limits. LiveKit's services are known to report negative lengths and unset
 * fields, and an int64 can hold anything. A number outside of its limits is treated as not reported.
 */
type Reported = bigint | number | null | undefined;

/** Earliest plausible time: LiveKit's first release is younger. */
const EARLIEST_MS = Date.UTC(2020, 0, 1);
/** How far the clock of another machine may be ahead. */
const AHEAD_MS = 86_400_000;
/** No recorder writes faster, bytes per second. */
const FASTEST = 125e6;
/** Longest recording without a known beginning and end, and longest film, seconds. */
export const LONGEST_S = 31 * 86_400;
/** Smaller reports are accepted even if they don't fit the recording's times; seconds, bytes. */
const BELIEVED_S = 86_400;
const BELIEVED_BYTES = 1e12;
/** Longest segment of a playlist, seconds. */
export const LONGEST_SEGMENT_S = 3600;
const MOST_FILES = 1_000_000;

/** A number within limits, else null. */
export function bounded(value: Reported, least: number, most: number): number | null {
  const number = Number(value ?? Number.NaN);
  return number >= least && number <= most ? number : null;
}

/** A text of at most so many characters; the rest is left out. */
export const boundedText = (text: string | null | undefined, most: number): string => (text ?? '').slice(0, most);

/** Nanoseconds since 1970 as milliseconds; null for "not yet" and for a time that can't be. */
export function milliseconds(nanoseconds: Reported, now = Date.now()): number | null {
  const whole = typeof nanoseconds === 'bigint' ? nanoseconds / 1_000_000n : Number(nanoseconds ?? Number.NaN) / 1e6;
  return bounded(whole, EARLIEST_MS, now + AHEAD_MS);
}

/** Seconds since 1970 as milliseconds; null for a time that can't be. */
export function millisecondsOf(seconds: Reported, now = Date.now()): number | null {
  return bounded(Number(seconds ?? Number.NaN) * 1000, EARLIEST_MS, now + AHEAD_MS);
}

/** Beginning and end of something, milliseconds since 1970. */
export interface Span {
  startedAt: number | null;
  endedAt: number | null;
}

/** Length of a span in seconds; null when an end is missing or the ends are the wrong way round. */
function spanSeconds({ startedAt, endedAt }: Span): number | null {
  if (startedAt === null || endedAt === null || endedAt < startedAt) return null;
  return (endedAt - startedAt) / 1000;
}

/**
 * Length of a file in seconds: as reported in nanoseconds, else the length of the first span that is known, else null.
 * @param spans of the file, then of the whole recording
 */
export function lengthSeconds(nanoseconds: Reported, ...spans: readonly Span[]): number | null {
  const known = spans.map(spanSeconds).filter((seconds) => seconds !== null);
  const most = known.length === 0 ? LONGEST_S : Math.max(...known, BELIEVED_S);
  const reported = bounded(Number(nanoseconds ?? 0) / 1e9, Number.MIN_VALUE, most);
  return reported ?? known[0] ?? null;
}

/**
 * Size in bytes; null for one that can't be.
 * @param seconds length of the recording, if known
 */
export function byteCount(bytes: Reported, seconds: number | null): number | null {
  const most = seconds === null ? LARGEST_OBJECT : Math.max(seconds * FASTEST, BELIEVED_BYTES);
  return bounded(bytes, 0, Math.min(LARGEST_OBJECT, most));
}

/** Number of files, e.g. of segments; 0 for one that can't be. */
export function fileCount(count: Reported): number {
  return bounded(count, 0, MOST_FILES) ?? 0;
}
