import assert from 'node:assert/strict';
import test from 'node:test';
import { backoff, pause } from './backoff.ts';

test('the wait doubles up to its limit and is spread over its upper half', () => {
  const options = { base: 1000, max: 60_000 };
  const longest = [1, 2, 3, 4, 5, 6, 7, 8, 100].map((n) => backoff(n, options, () => 1));
  assert.deepEqual(longest, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  assert.equal(
    backoff(3, options, () => 0),
    2000,
  );
  assert.equal(
    backoff(0, options, () => 1),
    1000,
  );
});

test('a pause ends with its signal', async () => {
  const stop = new AbortController();
  const waiting = pause(3_600_000, stop.signal);
  stop.abort();
  await waiting;
  await pause(3_600_000, stop.signal);
});
