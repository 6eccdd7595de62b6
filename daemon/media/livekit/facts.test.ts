import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteCount, fileCount, lengthSeconds, milliseconds, millisecondsOf } from './facts.ts';

const LARGEST = 2n ** 63n - 1n;
const NOW = Date.UTC(2026, 10, 29);
const nano = (ms: number): bigint => BigInt(ms) * 1_000_000n;

test('a time that can’t be is not reported', () => {
  assert.equal(milliseconds(nano(NOW), NOW), NOW);
  for (const wrong of [0n, -1n, 1n, LARGEST, -LARGEST, nano(NOW + 2 * 86_400_000), Number.NaN, undefined, null]) {
    assert.equal(milliseconds(wrong, NOW), null, String(wrong));
  }
  for (const wrong of [0n, -1n, LARGEST, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.equal(millisecondsOf(wrong, NOW), null, String(wrong));
  }
});

test('a length that can’t be is that of the file’s times, else of the recording’s, else unknown', () => {
  const file = { startedAt: NOW, endedAt: NOW + 7000 };
  const whole = { startedAt: NOW - 1000, endedAt: NOW + 8000 };
  const none = { startedAt: null, endedAt: null };
  assert.equal(lengthSeconds(6_500_000_000n, file, whole), 6.5);
  for (const wrong of [0n, -1_795_910_236_718_507_549n, LARGEST, -LARGEST - 1n, Number.NaN, undefined]) {
    assert.equal(lengthSeconds(wrong, file, whole), 7, String(wrong));
    assert.equal(lengthSeconds(wrong, none, whole), 9, String(wrong));
    assert.equal(lengthSeconds(wrong, none, none), null, String(wrong));
    assert.equal(lengthSeconds(wrong, { startedAt: NOW, endedAt: NOW - 1 }), null, 'an end before the beginning');
  }
  assert.equal(lengthSeconds(BigInt(40 * 86_400) * 1_000_000_000n, none), null);
  assert.equal(lengthSeconds(BigInt(2 * 86_400) * 1_000_000_000n, file), 7, 'two days within seven seconds');
});

test('sizes and counts that can’t be are not reported', () => {
  assert.equal(byteCount(658_171n, 7), 658_171);
  assert.equal(byteCount(0n, null), 0);
  for (const wrong of [-1n, LARGEST, Number.NaN, undefined, 2 ** 53]) {
    assert.equal(byteCount(wrong, 7), null, String(wrong));
    assert.equal(byteCount(wrong, null), null, String(wrong));
    assert.equal(fileCount(wrong), 0, String(wrong));
  }
  assert.equal(byteCount(2e12, 7), null, 'two terabytes within seven seconds');
});
