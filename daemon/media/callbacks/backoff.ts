const FIRST_MS = 2000;
const LONGEST_MS = 3_600_000;

/** Wait after the n-th failure in a row: doubled each time up to an hour, with jitter so that apps do not retry in step. */
export function backoff(failures: number, random: () => number = Math.random): number {
  const wait = Math.min(FIRST_MS * 2 ** Math.min(failures - 1, 20), LONGEST_MS);
  return Math.round(wait * (0.8 + random() * 0.4));
}
