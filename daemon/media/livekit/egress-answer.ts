import type { Egress } from './egress.ts';
import { LiveKitError } from './errors.ts';

/**
 * The answer to a request to the recorder of one recording. LiveKit forwards it and waits 3 s.
 * - `answered`: the recorder is there.
 * - `over`: LiveKit knows that the recording has ended, or is ending.
 * - `unknown`: LiveKit has no such recording, e.g. because its Redis was emptied. `isHeard`: its recorder answered anyway.
 * - `silent`: nobody answered for the recorder.
 */
export type EgressAnswer =
  | { kind: 'answered'; egress: Egress | null }
  | { kind: 'over' }
  | { kind: 'unknown'; isHeard: boolean }
  | { kind: 'silent' };

/** A slower answer comes from LiveKit, after it waited for the recorder. */
const HEARD_MS = 2000;

/** Reads a refusal; undefined when it says nothing about the recorder. */
export function answerOf(error: unknown, tookMs: number): EgressAnswer | undefined {
  if (!(error instanceof LiveKitError)) return undefined;
  switch (error.status) {
    // "UpdateStream called on non-streaming egress"
    case 400:
      return { kind: 'answered', egress: null };
    case 404:
      return { kind: 'unknown', isHeard: tookMs < HEARD_MS };
    case 408:
      return { kind: 'silent' };
    case 412:
      return { kind: 'over' };
    case 503:
      return /no response/i.test(error.message) ? { kind: 'silent' } : undefined;
    default:
      return undefined;
  }
}
