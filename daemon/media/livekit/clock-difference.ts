/** How far LiveKit's clock is ahead of ours. */
export interface ClockDifference {
  /** Milliseconds; negative = LiveKit's clock is behind. */
  ms: number;
  /** Our time of the measurement, milliseconds since 1970. */
  at: number;
}

/** A slow answer is too inexact. */
const SLOWEST_MS = 2000;
/** A Date header has whole seconds. */
const HALF_MS = 500;

/** From the Date header of an answer; undefined without one, or when the answer took too long to be exact. */
export function measure(date: string | null, sentAt: number, receivedAt: number): ClockDifference | undefined {
  const told = date === null ? Number.NaN : Date.parse(date);
  const took = receivedAt - sentAt;
  if (Number.isNaN(told) || took < 0 || took > SLOWEST_MS) return undefined;
  const ms = told + HALF_MS - (sentAt + took / 2);
  // less than the header can tell counts as equal
  return { ms: Math.abs(ms) <= HALF_MS + took / 2 ? 0 : Math.round(ms), at: receivedAt };
}
