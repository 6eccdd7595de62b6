import { backoff, pause } from '../connection/backoff.ts';
import { DaemonError, UnreachableError } from './errors.ts';

/** Methods that do the same however often they arrive. */
const REPEATABLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE']);
/** The daemon, or a proxy before it, can't answer now. */
const PASSING: ReadonlySet<number> = new Set([429, 502, 503, 504]);

const STEPS = { base: 500, max: 8000 };
/** Milliseconds; a daemon that asks for a longer wait isn't waited for. */
const LONGEST_WAIT = 60_000;

/** Can this request arrive twice without doing something twice? */
export const isSafeToRepeat = ({ method, headers }: { method: string; headers: Record<string, string> }): boolean =>
  REPEATABLE.has(method) || (method === 'POST' && headers['idempotency-key'] !== undefined);

/**
 * Waits before the next attempt: as long as `Retry-After` says, else longer each time.
 * @param attempt number of attempts that failed
 * @returns false when another attempt can't help
 */
export async function waitBefore(attempt: number, error: unknown, signal: AbortSignal | undefined): Promise<boolean> {
  const wait = delayOf(attempt, error);
  if (wait === undefined) return false;
  await pause(wait, signal ?? new AbortController().signal);
  return true;
}

/** @returns undefined when another attempt can't help */
function delayOf(attempt: number, error: unknown): number | undefined {
  if (error instanceof UnreachableError) {
    const isPassing = error.status === undefined ? error.reason === 'network' : PASSING.has(error.status);
    if (!isPassing) return undefined;
  } else if (!(error instanceof DaemonError)) return undefined;
  else if (!PASSING.has(error.status) && error.code !== 'IDEMPOTENT_REQUEST_RUNNING') return undefined;
  const { retryAfterMs = backoff(attempt, STEPS) } = error;
  return retryAfterMs <= LONGEST_WAIT ? retryAfterMs : undefined;
}
