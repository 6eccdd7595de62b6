import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Input } from '#shared/client/input.ts';
import type { Opened } from '#shared/client/opened.ts';
import type { Operation, ResultOf } from '#shared/contract/operation.ts';
import { testS3 } from '#shared/contract/s3.ts';
import { testConnection } from '#shared/contract/system.ts';
import { useChange } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { Problem } from '../../ui/feedback/problem.tsx';
import { State, type Tone } from '../../ui/feedback/state.tsx';
import { type ListedStep, StepList, testedSteps } from '../../ui/feedback/step-list.tsx';
import { TEST_STEPS } from '../settings/settings-form.tsx';
import { storageSteps } from '../storage/test-steps.tsx';
import classes from './overview.module.css';

type Told = ResultOf<typeof testConnection>['data'];

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

/** A trial over a request that the daemon tests with; undefined when the caller may not make it. */
function useTrial<O extends Operation>(
  op: O,
  input: Input<O>,
  stepsOf: (told: Opened<ResultOf<O>>) => readonly ListedStep[],
): Trial | undefined {
  const test = useChange(op, { timeout: LIMIT_MS });
  const isAllowed = useLack(op) === undefined;
  if (!isAllowed) return undefined;
  return {
    start: () => test.mutate(input),
    close: test.reset,
    isRunning: test.isPending,
    error: test.error,
    steps: test.data === undefined ? undefined : stepsOf(test.data),
  };
}

export const useConnectionTrial = (connection: Told['connection']): Trial | undefined =>
  useTrial(testConnection, { params: { connection }, body: {} }, ({ steps }) => testedSteps(steps, TEST_STEPS));

/** The same for the storage of an app, with its stored settings. */
export const useStorageTrial = (app: string): Trial | undefined =>
  useTrial(testS3, { params: { name: app }, body: {} }, storageSteps);

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
  /** Explains what is tested where the name doesn't. */
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
