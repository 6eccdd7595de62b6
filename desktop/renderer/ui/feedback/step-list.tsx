import type { ReactNode } from 'react';
import { Shape, type Tone } from './state.tsx';
import classes from './step-list.module.css';

export interface ListedStep {
  id: string;
  title: ReactNode;
  state: 'waiting' | 'running' | 'done' | 'warning' | 'failed' | 'skipped';
  message?: ReactNode;
  /** What to do about it. */
  cure?: string | null | undefined;
  durationMs?: number | undefined;
  /** At the end of the line, instead of how long it took. */
  aside?: ReactNode;
  /** More than text: what the person has to use in this step. */
  content?: ReactNode;
}

const TONES: Record<ListedStep['state'], Tone> = {
  waiting: 'muted',
  running: 'busy',
  done: 'ok',
  warning: 'warn',
  failed: 'danger',
  skipped: 'muted',
};
const WORDS: Partial<Record<ListedStep['state'], string>> = { skipped: 'not tried' };

/** The steps of a test as the daemon tells them, with their names. */
export const testedSteps = <Id extends string>(
  steps: readonly {
    id: Id;
    state: 'ok' | 'warning' | 'failed' | 'skipped';
    message: string;
    durationMs: number;
    cure?: string;
  }[],
  names: Record<Id, string>,
): ListedStep[] =>
  steps.map((step) => ({ ...step, title: names[step.id], state: step.state === 'ok' ? 'done' : step.state }));

/** Steps and how far they are; the fix is shown under the failed step, and later steps have no text. */
export function StepList({ steps, isNumbered = false }: { steps: readonly ListedStep[]; isNumbered?: boolean }) {
  const hasFailed = steps.some(({ state }) => state === 'failed');
  return (
    <ol className={classes.steps}>
      {steps.map(({ id, title, state, message, durationMs, cure, aside, content }, index) => (
        <li key={id} data-state={state}>
          <Shape tone={TONES[state]} label={WORDS[state] ?? state} />
          <div>
            <div className="spread">
              <span>
                {isNumbered ? `${index + 1}. ` : null}
                {title}
              </span>
              <span className="dim num">
                {aside ?? (durationMs === undefined || state === 'skipped' ? null : `${Math.round(durationMs)} ms`)}
              </span>
            </div>
            {!message || (state === 'skipped' && hasFailed) ? null : <div className={classes.stepText}>{message}</div>}
            {cure ? <div className={classes.cure}>{cure}</div> : null}
            {content ? <div className={classes.content}>{content}</div> : null}
          </div>
        </li>
      ))}
    </ol>
  );
}
