/** Longest wait between two attempts. */
export const MAX_WAIT_MS = 3_600_000;

/** 10 s, 20 s, 40 s … at most an hour, with a tenth of chance so that many do not come back at the same time. */
export function defaultBackoff(attempt: number): number {
  return Math.min(MAX_WAIT_MS, 10_000 * 2 ** (attempt - 1)) * (0.95 + Math.random() * 0.1);
}
