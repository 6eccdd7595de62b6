import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Background } from './background.ts';

function setUp() {
  const told: string[] = [];
  const line = (data: object): void => void told.push(`${Object(data).task} ${Object(data).code}`);
  const background = new Background({ log: { warn: (data) => line(data), info: (data) => line(data) } });
  return { background, told };
}
const full = (): never => {
  throw Object.assign(new Error('no space'), { code: 'SQLITE_FULL' });
};
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
};

test('a failing timer goes on, less and less often, and one reason is one line for all tasks', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { background, told } = setUp();
  let isFull = true;
  let runs = 0;
  background.every('one', 1000, () => {
    runs += 1;
    if (isFull) full();
  });
  background.every('two', 1000, () => isFull && full());
  for (const [after, expected] of [
    [1000, 1],
    [1000, 2],
    [1000, 2],
    [1000, 3],
    [3999, 3],
    [1, 4],
  ] as const) {
    t.mock.timers.tick(after);
    await turns();
    assert.equal(runs, expected);
  }
  assert.deepEqual(told, ['one SQLITE_FULL']);
  assert.deepEqual(
    background.failures().map(({ tasks, code }) => [tasks, code]),
    [[['one', 'two'], 'SQLITE_FULL']],
  );
  isFull = false;
  t.mock.timers.tick(8000);
  await turns();
  t.mock.timers.tick(0);
  await turns();
  assert.deepEqual(background.failures(), []);
  assert.deepEqual(told.slice(1).length, 1);
});

test('tasks of one name fail and recover each for itself, and one that is stopped fails no more', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { background, told } = setUp();
  let isBroken = true;
  background.every('run', 1000, () => undefined);
  const broken = background.every('run', 1000, () => isBroken && Promise.reject(new TypeError('no')));
  const turn = async (): Promise<void> => {
    t.mock.timers.tick(1000);
    await turns();
  };
  for (let run = 0; run < 4; run++) await turn();
  assert.deepEqual(told, ['run TypeError']);
  isBroken = false;
  broken.soon();
  await turns();
  assert.deepEqual([background.failures(), told], [[], ['run TypeError', 'run TypeError']]);
  isBroken = true;
  broken.soon();
  await turns();
  assert.deepEqual(background.failures()[0]?.tasks, ['run']);
  await broken.stop();
  assert.deepEqual(background.failures(), []);
  // what a caller noted ends when the task of that name succeeds
  background.failed('run', new TypeError('noted'));
  await turn();
  assert.deepEqual(background.failures(), []);
});

test('listeners, single runs and late tasks never throw, and repeat their complaint only for a new reason', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { background, told } = setUp();
  const listener = background.listener('ear', (how: string) => {
    if (how === 'throw') full();
    return how === 'reject' ? Promise.reject(new TypeError('no')) : undefined;
  });
  for (const how of ['throw', 'throw', 'reject', 'well', 'throw']) {
    listener(how);
    await turns();
  }
  background.after('late', 10, () => Promise.reject(new RangeError('late')));
  t.mock.timers.tick(10);
  await turns();
  assert.equal(await background.run('single', full), false);
  assert.equal(await background.run('single', () => 1), true);
  await turns();
  assert.deepEqual(told, [
    'ear SQLITE_FULL',
    'ear TypeError',
    'ear SQLITE_FULL',
    'late RangeError',
    'single SQLITE_FULL',
  ]);
  assert.deepEqual(background.failures(), []);
});

test('work that has to be done is tried until it succeeds, unless it is called off', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { background } = setUp();
  let left = 2;
  background.untilDone('must', () => {
    if (left-- > 0) full();
  });
  await turns();
  assert.equal(background.failures().length, 1);
  for (const ms of [1000, 2000, 4000]) {
    t.mock.timers.tick(ms);
    await turns();
  }
  assert.deepEqual([background.failures(), left], [[], -1]);
  let tries = 0;
  const giveUp = background.untilDone('never', () => {
    tries += 1;
    full();
  });
  await turns();
  giveUp();
  t.mock.timers.tick(100_000);
  await turns();
  assert.equal(tries, 1);
});
