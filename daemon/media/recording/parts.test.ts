import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Background } from '#daemon/platform/background.ts';
import { ManualClock } from '#test/helpers/clock.ts';
import { PartTimers } from './parts.ts';

const HOUR = 3_600_000;
const YEAR = 8766 * HOUR;
const background = { after: () => () => {} } as unknown as Background;

test('a recording is continued before its storage credentials expire, with time to upload the part', () => {
  const clock = new ManualClock();
  const parts = new PartTimers(background, async () => {}, clock);
  const lasting = (ms: number) => {
    parts.limit('live', 1, clock.now() + ms);
    return parts.limitIn('live', 1);
  };
  assert.equal(lasting(6 * HOUR), 6 * HOUR - 600_000);
  assert.equal(lasting(900_000), 600_000, 'a third of a short time');
  assert.equal(lasting(10_000), 60_000, 'never parts of seconds');
  assert.equal(parts.limitIn('other', 1), undefined);
  parts.forget('live', 1);
  assert.equal(parts.limitIn('live', 1), undefined);
});

test('a clock that is set while a part records neither ends the part early nor lengthens it', () => {
  for (const jump of [YEAR, -YEAR]) {
    const clock = new ManualClock();
    const parts = new PartTimers(background, async () => {}, clock);
    const startedAt = clock.now();
    parts.limit('live', 1, startedAt + 6 * HOUR);
    clock.advance(HOUR);
    assert.equal(parts.age('live', 1, startedAt), HOUR);
    clock.jump(jump);
    clock.advance(HOUR);
    assert.equal(parts.age('live', 1, startedAt), 2 * HOUR);
    assert.equal(parts.limitIn('live', 1), 4 * HOUR - 600_000);
  }
  const clock = new ManualClock();
  const parts = new PartTimers(background, async () => {}, clock);
  assert.equal(parts.age('live', 2, clock.now() + YEAR), 0, 'set back while the daemon was off');
});
