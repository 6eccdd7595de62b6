import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testBackground } from '#test/helpers/background.ts';
import { ManualClock } from '#test/helpers/clock.ts';
import { ClockWatch } from './clock-watch.ts';

const HOUR = 3_600_000;
const YEARS = 10 * 365 * 24 * HOUR;

function setUp(offFor = 0) {
  const clock = new ManualClock();
  const jumps: number[] = [];
  const watch = new ClockWatch({
    background: testBackground(),
    log: { warn() {} },
    lastRun: clock.now() - offFor,
    noteRun() {},
    clock,
  });
  watch.onJump((ms) => jumps.push(ms));
  return { clock, jumps, watch };
}

test('a jump forward is believed after a day; time itself goes on', () => {
  const { clock, jumps, watch } = setUp();
  const start = clock.now();
  clock.jump(YEARS);
  assert.equal(watch.retentionNow(), start);
  clock.advance(HOUR);
  assert.equal(watch.retentionNow(), start + HOUR);
  assert.deepEqual(jumps, [YEARS]);
  clock.advance(23 * HOUR);
  assert.equal(watch.retentionNow(), clock.now());
});

test('a clock that comes back leaves no trace, and a jump back counts immediately', () => {
  const { clock, jumps, watch } = setUp();
  clock.jump(YEARS);
  watch.look();
  clock.jump(-YEARS);
  assert.equal(watch.retentionNow(), clock.now());
  clock.jump(-2 * HOUR);
  assert.equal(watch.retentionNow(), clock.now());
  assert.deepEqual(jumps, [YEARS, -YEARS, -2 * HOUR]);
});

test('small corrections are no jumps', () => {
  const { clock, jumps, watch } = setUp();
  for (let n = 0; n < 100; n++) {
    clock.advance(1000);
    clock.jump(30_000);
    assert.equal(watch.retentionNow(), clock.now());
  }
  assert.deepEqual(jumps, []);
});

test('a start far after the last run is doubted like a jump', () => {
  const { clock, watch } = setUp(YEARS);
  const start = clock.now();
  assert.equal(watch.retentionNow(), start - YEARS);
  clock.advance(24 * HOUR);
  assert.equal(watch.retentionNow(), clock.now());
  assert.equal(setUp(5 * 24 * HOUR).watch.retentionNow(), start);
});
