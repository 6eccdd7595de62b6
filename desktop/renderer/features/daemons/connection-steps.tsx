import type { TestStep } from '#shared/ipc/connections.ts';
import { type ListedStep, StepList } from '../../ui/feedback/step-list.tsx';

const ALL: readonly Pick<TestStep, 'id' | 'title'>[] = [
  { id: 'resolve', title: 'DNS' },
  { id: 'reach', title: 'Reach it' },
  { id: 'tls', title: 'Certificate' },
  { id: 'version', title: 'Version' },
  { id: 'sign-in', title: 'Sign in' },
  { id: 'rights', title: 'Permissions' },
];

/** The way to a daemon, step by step; those that are still to come are listed too. */
export function ConnectionSteps({ steps, isRunning }: { steps: readonly TestStep[]; isRunning: boolean }) {
  if (steps.length === 0 && !isRunning) return null;
  const listed = ALL.map(({ id, title }, index): ListedStep => {
    const step = steps.find((one) => one.id === id);
    if (step === undefined) return { id, title, state: isRunning && index === steps.length ? 'running' : 'waiting' };
    const { status, message, cure, ms } = step;
    return { id, title: step.title, state: status === 'passed' ? 'done' : status, message, cure, durationMs: ms };
  });
  return (
    <div aria-live="polite">
      <StepList steps={listed} isNumbered />
    </div>
  );
}
