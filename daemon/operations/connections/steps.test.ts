import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSteps, StepFailure } from './steps.ts';

const never = new Promise<string>(() => undefined);

test('a step that does not end is given up, and those behind it are not tried', async () => {
  const broken: unknown[] = [];
  const steps = await runSteps(
    [
      { id: 'settings', run: () => 'set' },
      { id: 'resolve', run: () => ({ skip: 'not needed' }) },
      { id: 'connect', run: () => never },
      { id: 'signIn', run: () => assert.fail('not to be tried') },
    ],
    (error) => broken.push(error),
    20,
  );
  assert.deepEqual(
    steps.map(({ id, state, message }) => [id, state, message]),
    [
      ['settings', 'ok', 'set'],
      ['resolve', 'skipped', 'not needed'],
      ['connect', 'failed', 'No response within 0.02 s.'],
      ['signIn', 'skipped', 'Skipped, because an earlier step failed.'],
    ],
  );
  assert.deepEqual(broken, []);
});

test('an error that nobody foresaw is told to the log, not to the caller', async () => {
  const broken: unknown[] = [];
  const steps = await runSteps(
    [
      {
        id: 'signIn',
        run() {
          throw new Error('holds a secret');
        },
      },
    ],
    (error) => broken.push(error),
  );
  assert.equal(JSON.stringify(steps).includes('secret'), false);
  assert.equal((broken[0] as Error).message, 'holds a secret');
  const known = await runSteps([{ id: 'signIn', run: () => Promise.reject(new StepFailure('refused', 'ask')) }], () =>
    assert.fail('it is known'),
  );
  assert.deepEqual([known[0]?.message, known[0]?.cure], ['refused', 'ask']);
});
