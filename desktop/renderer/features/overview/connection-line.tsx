import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import type { ResultOf } from '#shared/contract/operation.ts';
import { testS3 } from '#shared/contract/s3.ts';
import { testConnection } from '#shared/contract/system.ts';
import { useChange } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { Problem } from '../../ui/problem.tsx';
import { State, type Tone } from '../../ui/state.tsx';
import { type ListedStep, StepList } from '../../ui/step-list.tsx';
import { storageSteps } from '../storage/test-steps.tsx';
import classes from './overview.module.css';

type Told = ResultOf<typeof testConnection>['data'];

const NAMES: Record<Told['steps'][number]['id'], string> = {
  settings: 'Read the settings',
  resolve: 'Find the address',
  connect: 'Connect',
  signIn: 'Sign in',
  use: 'Ask for what is needed',
};
const LIMIT_MS = 90_000;

/** A test that a line offers, and how far it came. */
export interface Trial {
  start(): void;
  /** Takes its outcome off the screen. */
  close(): void;
  isRunning: boolean;
  error: Error | null;
  steps: readonly ListedStep[] | undefined;
}

/** Undefined when the caller may not test it. */
export function useConnectionTrial(connection: Told['connection']): Trial | undefined {
  const test = useChange(testConnection, { timeout: LIMIT_MS });
  const isAllowed = useLack(testConnection) === undefined;
  if (!isAllowed) return undefined;
  return {
    start: () => test.mutate({ params: { connection } }),
    close: test.reset,
    isRunning: test.isPending,
    error: test.error,
    steps: test.data?.steps.map((step) => ({ ...step, title: NAMES[step.id] })),
  };
}

/** The same for the storage of an app, with its stored settings. */
export function useStorageTrial(app: string): Trial | undefined {
  const test = useChange(testS3, { timeout: LIMIT_MS });
  const isAllowed = useLack(testS3) === undefined;
  if (!isAllowed) return undefined;
  return {
    start: () => test.mutate({ params: { name: app }, body: {} }),
    close: test.reset,
    isRunning: test.isPending,
    error: test.error,
    steps: test.data ? storageSteps(test.data) : undefined,
  };
}

/** One thing that the daemon works with: its state, a test that shows its steps in place, and the way to set it up. */
export function ConnectionLine({
  name,
  what = name,
  tone,
  state,
  detail,
  how,
  trial,
}: {
  name: string;
  /** What is tested, where the name alone does not say it. */
  what?: string;
  tone: Tone;
  state: ReactNode;
  detail?: string | undefined;
  how?: ReactNode;
  trial?: Trial | undefined;
}) {
  const isOpen = trial !== undefined && (trial.steps !== undefined || trial.error !== null);
  return (
    <li>
      <span className={classes.what}>{name}</span>
      <span className={classes.how}>
        <State tone={tone}>{state}</State>
        {detail ? <code className="dim cut">{detail}</code> : null}
      </span>
      <span className={classes.acts}>
        {how}
        {trial ? (
          <Button
            variant="subtle"
            size="compact-sm"
            loading={trial.isRunning}
            aria-label={`${isOpen ? 'Hide the test of' : 'Test'} ${what}`}
            onClick={isOpen ? trial.close : trial.start}
          >
            {isOpen ? 'Hide' : 'Test'}
          </Button>
        ) : null}
      </span>
      {isOpen ? (
        <div className={classes.outcome} role="status">
          {trial.error ? (
            <Problem error={trial.error} title="The test could not be run." />
          ) : (
            <StepList steps={trial.steps ?? []} />
          )}
        </div>
      ) : null}
    </li>
  );
}
