import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metaStore } from '#daemon/platform/db/meta.ts';
import { migrate } from '#daemon/platform/db/migrate.ts';
import { openDatabase } from '#daemon/platform/db/open.ts';
import { registryMigrations } from '#daemon/platform/db/registry/index.ts';
import { testBackground } from '#test/helpers/background.ts';
import { ManualClock } from '#test/helpers/clock.ts';
import { BackupScheduler, cronOf } from './plan.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A scheduler on a clock that shows 2026-01-01T00:00Z, and what it began. */
function scheduler() {
  const db = openDatabase(':memory:');
  migrate(db, registryMigrations);
  const clock = new ManualClock();
  const begun: number[] = [];
  const tests: number[] = [];
  let isRefused = false;
  const it = new BackupScheduler({
    meta: metaStore(db),
    clock,
    background: testBackground(),
    begin: async () => {
      if (!isRefused) begun.push(clock.now());
      return !isRefused;
    },
    test: (plan) => {
      tests.push(clock.now());
      it.write({ ...plan, lastTest: { at: new Date(clock.now()).toISOString(), backup: 'x', ok: true, text: '' } });
    },
    tidy: () => {},
  });
  const plan = { ...it.read(), since: new Date(clock.now()).toISOString() };
  return { it, clock, begun, tests, plan, refuse: (value: boolean) => (isRefused = value) };
}

test('a backup begins once at each time of its schedule, and one is made up for after a stop', async () => {
  const { it, clock, begun, plan } = scheduler();
  await it.look();
  assert.deepEqual(begun, [], 'without a schedule, nothing begins');
  it.write({ ...plan, cron: '0 3 * * *' });
  assert.equal(new Date(it.next() ?? 0).toISOString(), '2026-01-01T03:00:00.000Z');
  clock.advance(3 * HOUR - 1);
  await it.look();
  assert.equal(begun.length, 0);
  clock.advance(1);
  await it.look();
  await it.look();
  assert.equal(begun.length, 1);
  clock.advance(3 * DAY);
  await it.look();
  await it.look();
  assert.equal(begun.length, 2, 'of those that were missed, one is made up for');
  assert.equal(new Date(it.next() ?? 0).toISOString(), '2026-01-05T03:00:00.000Z');
});

test('a clock that was wrong for a while stops neither backups nor tests when it is right again', async () => {
  const { it, clock, begun, tests, plan } = scheduler();
  it.write({ ...plan, cron: '0 3 * * *', monthlyTest: true });
  clock.jump(3650 * DAY);
  await it.look();
  assert.deepEqual([begun.length, tests.length], [1, 1]);
  clock.jump(-3650 * DAY);
  await it.look();
  assert.equal(new Date(it.next() ?? 0).toISOString(), '2026-01-01T03:00:00.000Z');
  clock.advance(30 * DAY);
  await it.look();
  assert.deepEqual([begun.length, tests.length], [2, 2]);
});

test('a schedule whose backups do not begin is told after six hours', async () => {
  const { it, clock, plan, refuse } = scheduler();
  it.write({ ...plan, cron: '0 3 * * *' });
  refuse(true);
  clock.advance(3 * HOUR);
  await it.look();
  assert.equal(it.overdue(), undefined);
  clock.advance(6 * HOUR + 1);
  assert.equal(new Date(it.overdue() ?? 0).toISOString(), '2026-01-01T03:00:00.000Z');
  refuse(false);
  await it.look();
  assert.equal(it.overdue(), undefined);
});

test('the test of a restore is due every thirty days', async () => {
  const { it, clock, tests, plan } = scheduler();
  it.write({ ...plan, monthlyTest: true });
  clock.advance(29 * DAY);
  await it.look();
  assert.equal(tests.length, 0);
  clock.advance(DAY);
  await it.look();
  await it.look();
  assert.equal(tests.length, 1);
});

test('a wrong time of a schedule is refused by its name', () => {
  for (const text of ['every day', '61 * * * *', '0 0 31 2 *', '* * * * * *'])
    assert.throws(() => cronOf(text), { code: 'VALIDATION_FAILED' }, text);
});
