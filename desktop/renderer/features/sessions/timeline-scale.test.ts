import assert from 'node:assert/strict';
import { test } from 'node:test';
import { moved, placeOf, ticksOf, zoomed } from './timeline-scale.ts';

const whole = { from: 0, to: 100_000 };

test('bars are placed within what is shown, and cut at its edges', () => {
  assert.deepEqual(placeOf(whole, 25_000, 75_000), { left: 0.25, width: 0.5 });
  assert.deepEqual(placeOf({ from: 50_000, to: 100_000 }, 25_000, 75_000), { left: 0, width: 0.5 });
  assert.equal(placeOf({ from: 80_000, to: 100_000 }, 25_000, 75_000), undefined);
  assert.deepEqual(placeOf(whole, 10_000, 10_000), { left: 0.1, width: 0 });
});

test('zooming keeps the moment under the pointer, and never leaves the session', () => {
  assert.deepEqual(zoomed(whole, whole, 0.5, 25_000), { from: 12_500, to: 62_500 });
  assert.deepEqual(zoomed(whole, { from: 10_000, to: 20_000 }, 100), whole);
  assert.equal(zoomed(whole, whole, 0.000_1).to - zoomed(whole, whole, 0.000_1).from, 2000);
  assert.deepEqual(moved(whole, { from: 80_000, to: 100_000 }, 0.5), { from: 80_000, to: 100_000 });
  assert.deepEqual(moved(whole, { from: 20_000, to: 40_000 }, -0.5), { from: 10_000, to: 30_000 });
});

test('ticks are at round times', () => {
  assert.deepEqual(
    ticksOf(whole, 10),
    [0, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000, 70_000, 80_000, 90_000, 100_000],
  );
  assert.ok(ticksOf({ from: 0, to: 40 * 86_400_000 }, 8).length <= 9);
});
