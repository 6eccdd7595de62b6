/** The two times of a machine. */
export interface Clock {
  /** Wall-clock milliseconds since 1970. It can jump; use it for instants that people or other machines see. */
  now(): number;
  /** Milliseconds that only grow, from no particular start. Use them for durations. */
  monotonic(): number;
}

export const SYSTEM_CLOCK: Clock = { now: () => Date.now(), monotonic: () => performance.now() };
