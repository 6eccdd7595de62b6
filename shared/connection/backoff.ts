export interface BackoffOptions {
  /** Milliseconds after the first failure. */
  base: number;
  /** Milliseconds at most. */
  max: number;
}

/**
 * How long to wait after a number of failures in a row: doubling up to a limit, of which a random half is taken off so that
 * many apps do not knock at the same moment once a daemon is back.
 */
export function backoff(failures: number, { base, max }: BackoffOptions, random: () => number = Math.random): number {
  const full = Math.min(max, base * 2 ** Math.min(Math.max(failures - 1, 0), 30));
  return Math.round(full * (0.5 + random() / 2));
}

/** Waits; ends early, without an error, when the signal is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
