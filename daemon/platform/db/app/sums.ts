/**
 * SQL that adds up the figures of `vods`. A row counts as nothing below 0 and as the limit above it, so that no row can
 * move a quota by nonsense or overflow the sum. The limits are those of media/livekit/facts.ts.
 */
const amount = (column: string): string => `min(max(coalesce(${column}, 0), 0), 50000000000000)`;

/** Of ladders and other forms of recordings. */
export const LADDER_BYTES = `CAST(total(${amount('ladder_bytes')}) AS INTEGER)`;
/** Of recordings and their ladders. */
export const STORED_BYTES = `CAST(total(${amount('size_bytes')} + ${amount('ladder_bytes')}) AS INTEGER)`;

/** No recording counts for longer: 31 days. */
const LONGEST_S = 2_678_400;
const seconds = (length: string): string => `min(max(coalesce(${length}, 0), 0), ${LONGEST_S})`;

/** SQL of the seconds between two instants, as text in ISO format. */
const between = (from: string, to: string): string => `(unixepoch(${to}, 'subsec') - unixepoch(${from}, 'subsec'))`;

/** SQL of a recording's length in seconds. One that runs or is being written lasts until now. @param now SQL of an instant */
export const recordedLength = (now: string): string =>
  `coalesce(duration_s, CASE WHEN status IN ('recording', 'uploading') THEN ${between('started_at', now)} END)`;

/** @param length SQL of a row's length in seconds; null counts as nothing */
export const recordedSeconds = (length = 'duration_s'): string => `total(${seconds(length)})`;

/** SQL of when a recording began that can have lasted until an instant. */
export const earliestBefore = (from: string): string => `datetime(${from}, '-${LONGEST_S} seconds')`;

/** The part of the seconds that is from an instant on. */
export const recordedSince = (from: string, length: string): string =>
  recordedSeconds(`CASE WHEN started_at >= ${from} THEN ${length}
    WHEN started_at >= ${earliestBefore(from)} THEN ${seconds(length)} + ${between(from, 'started_at')} END`);

/** The part of the seconds that is within the day that begins at `from`. */
export function recordedWithinDay(from: string, length: string): string {
  const start = between(from, 'started_at');
  return `total(max(0, min(${start} + ${seconds(length)}, 86400) - max(${start}, 0)))`;
}

/** SQL of until when a session of `room_sessions` is known to have lasted: where LiveKit never told the end, not longer than it was seen. */
export const sessionEnd = (now: string): string => `max(started_at, coalesce(ended_from, ended_at, ${now}))`;

/** Of a connection of `room_stays`; null = it lasted as long as its session. */
export const STAY_END = 'coalesce(left_from, left_at)';

/**
 * SQL of the time of all counted connections of a session. Open ones last until the session ends; one
 * that began later, because its event came late or nobody told the end, adds nothing and takes nothing from others.
 */
export const participantMs = (now: string): string => `(closed_ms + present * ${sessionEnd(now)} - joined_sum
  + CASE present WHEN 0 THEN 0 ELSE (SELECT coalesce(sum(joined_at - ${sessionEnd(now)}), 0) FROM room_stays
  WHERE session_id = room_sessions.id AND joined_at > ${sessionEnd(now)} AND left_at IS NULL AND is_counted = 1) END)`;
