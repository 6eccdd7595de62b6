import { Shape } from './state.tsx';
import classes from './step-list.module.css';

export interface ListedStep {
  id: string;
  title: string;
  state: 'ok' | 'failed' | 'skipped';
  message: string;
  durationMs: number;
  cure?: string | undefined;
}

const TONES = { ok: 'ok', failed: 'danger', skipped: 'muted' } as const;
const WORDS = { ok: 'passed', failed: 'failed', skipped: 'not tried' } as const;

/** The steps of a test; the cure stands under the one that failed, and what came after it is left without words. */
export function StepList({ steps }: { steps: readonly ListedStep[] }) {
  const hasFailed = steps.some(({ state }) => state === 'failed');
  return (
    <ol className={classes.steps}>
      {steps.map(({ id, title, state, message, durationMs, cure }) => (
        <li key={id} data-state={state}>
          <Shape tone={TONES[state]} label={WORDS[state]} />
          <div>
            <div className="spread">
              <span>{title}</span>
              {state === 'skipped' ? null : <span className="dim num">{Math.round(durationMs)} ms</span>}
            </div>
            {state === 'skipped' && hasFailed ? null : <div className={classes.stepText}>{message}</div>}
            {cure ? <div className={classes.cure}>{cure}</div> : null}
          </div>
        </li>
      ))}
    </ol>
  );
}
