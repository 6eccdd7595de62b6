import type { TestStep } from '#shared/ipc/connections.ts';
import { Shape, type Tone } from '../../ui/feedback/state.tsx';
import classes from './daemons.module.css';

const TONES: Record<TestStep['status'], Tone> = { passed: 'ok', warning: 'warn', failed: 'danger', skipped: 'muted' };
const ALL: readonly Pick<TestStep, 'id' | 'title'>[] = [
  { id: 'resolve', title: 'Find the address' },
  { id: 'reach', title: 'Reach it' },
  { id: 'tls', title: 'Check the certificate' },
  { id: 'version', title: 'Ask for its version' },
  { id: 'sign-in', title: 'Sign in' },
  { id: 'rights', title: 'Look at the rights' },
];

/** The way to a daemon, step by step; the cure stands under the one that failed. */
export function ConnectionSteps({ steps, isRunning }: { steps: readonly TestStep[]; isRunning: boolean }) {
  if (steps.length === 0 && !isRunning) return null;
  const done = new Map(steps.map((step) => [step.id, step]));
  return (
    <ol className={classes.steps} aria-live="polite">
      {ALL.map(({ id, title }, index) => {
        const step = done.get(id);
        const isNow = isRunning && step === undefined && index === steps.length;
        return (
          <li key={id} data-open={step === undefined || undefined}>
            <Shape
              tone={step ? TONES[step.status] : isNow ? 'busy' : 'muted'}
              label={step?.status ?? (isNow ? 'running' : 'waiting')}
            />
            <div>
              <div className="spread">
                <span>
                  {index + 1}. {step?.title ?? title}
                </span>
                {step && step.status !== 'skipped' ? <span className="dim num">{Math.round(step.ms)} ms</span> : null}
              </div>
              {step?.message ? <div className={classes.message}>{step.message}</div> : null}
              {step?.cure ? <div className={classes.cure}>{step.cure}</div> : null}
            </div>
          </li>
        );
      })}
    </ol>
  );
}
