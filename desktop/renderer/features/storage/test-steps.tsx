import type { ResultOf } from '#shared/contract/operation.ts';
import type { testS3 } from '#shared/contract/s3.ts';
import { Problem } from '../../ui/feedback/problem.tsx';
import { Shape } from '../../ui/feedback/state.tsx';
import { type ListedStep, StepList, testedSteps } from '../../ui/feedback/step-list.tsx';
import classes from './storage.module.css';

type Result = ResultOf<typeof testS3>['data'];

const NAMES: Record<Result['steps'][number]['id'], string> = {
  resolve: 'DNS',
  connect: 'Connect',
  sign: 'Sign in',
  write: 'Write an object',
  multipart: 'Write in parts',
  read: 'Read back',
  link: 'Open a signed link',
  pages: 'Play on web pages',
  list: 'List objects',
  delete: 'Delete',
};
/** The steps of a storage's test with their names. */
export const storageSteps = ({ steps }: Result): ListedStep[] => testedSteps(steps, NAMES);

/** How far the test came; the fix is under the step that failed. */
export function TestSteps({
  result,
  error,
  isRunning,
  isOfForm,
}: {
  result: Result | undefined;
  error: Error | null;
  isRunning: boolean;
  isOfForm: boolean;
}) {
  if (error) return <Problem error={error} title="The test could not be run." />;
  if (result === undefined) {
    return (
      <p className="dim">
        {isRunning
          ? 'Testing…'
          : `Connects and signs in, then writes two small objects, reads them, opens a signed link, as pages do too, lists and deletes them, with ${isOfForm ? 'the settings as they stand in the form' : 'the stored settings'}.`}
      </p>
    );
  }
  return (
    <div role="status">
      {isRunning ? <p className="dim">Testing again…</p> : null}
      <div className={classes.outcome}>
        <Shape tone={result.ok ? 'ok' : 'danger'} />
        <span>
          {result.ok
            ? `Bucket ${result.bucket || '(none)'} works`
            : `Bucket ${result.bucket || '(none)'} does not work`}
        </span>
      </div>
      <StepList steps={storageSteps(result)} />
    </div>
  );
}
