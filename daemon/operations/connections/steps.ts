import { setTimeout as wait } from 'node:timers/promises';
import type { ConnectionStep, ConnectionStepId } from '#shared/schema/connections.ts';

/** What a step failed of, and what can be done about it. Neither text may hold a secret. */
export class StepFailure extends Error {
  readonly cure: string;

  constructor(message: string, cure: string) {
    super(message);
    this.name = 'StepFailure';
    this.cure = cure;
  }
}

/** A step that says in `skip` why it does not apply. */
interface Skipped {
  skip: string;
}

export interface Step {
  id: ConnectionStepId;
  /** Answers what was found. @throws StepFailure */
  run(): string | Skipped | Promise<string | Skipped>;
}

const UNKNOWN = { message: 'It failed for an unknown reason.', cure: 'Check the daemon’s log.' };

/** Milliseconds a step may take. */
const STEP_LIMIT_MS = 15_000;

/**
 * Runs the steps in order until one fails. Never rejects.
 * @param onBroken called with an error that is not a StepFailure
 */
export async function runSteps(
  steps: readonly Step[],
  onBroken: (error: unknown) => void,
  limitMs = STEP_LIMIT_MS,
): Promise<ConnectionStep[]> {
  const taken: ConnectionStep[] = [];
  let hasFailed = false;
  for (const { id, run } of steps) {
    if (hasFailed) {
      taken.push({ id, state: 'skipped', message: 'Skipped, because an earlier step failed.', durationMs: 0 });
      continue;
    }
    const start = performance.now();
    const durationMs = () => Math.round((performance.now() - start) * 10) / 10;
    const stop = new AbortController();
    try {
      const late = wait(limitMs, undefined, { signal: stop.signal, ref: false }).then(() => {
        throw new StepFailure(`No response within ${limitMs / 1000} s.`, 'Check that server and the network to it.');
      });
      const found = await Promise.race([Promise.resolve().then(run), late]);
      if (typeof found === 'string') taken.push({ id, state: 'ok', message: found, durationMs: durationMs() });
      else taken.push({ id, state: 'skipped', message: found.skip, durationMs: durationMs() });
    } catch (error) {
      hasFailed = true;
      if (!(error instanceof StepFailure)) onBroken(error);
      const { message, cure } = error instanceof StepFailure ? error : UNKNOWN;
      taken.push({ id, state: 'failed', message, durationMs: durationMs(), cure });
    } finally {
      stop.abort();
    }
  }
  return taken;
}
