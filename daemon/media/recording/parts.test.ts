import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Background } from '#daemon/platform/background.ts';
import { PartTimers } from './parts.ts';

const HOUR = 3_600_000;

test('a recording is continued before its storage credentials expire, with time to upload the part', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  const parts = new PartTimers({ after: () => () => {} } as unknown as Background, async () => {});
  const lasting = (ms: number): number => {
    parts.limit('live', 1, Date.now() + ms);
    return (parts.limitOf('live', 1) ?? 0) - Date.now();
  };
  assert.equal(lasting(6 * HOUR), 6 * HOUR - 600_000);
  assert.equal(lasting(900_000), 600_000, 'a third of a short time');
  assert.equal(lasting(10_000), 60_000, 'never parts of seconds');
  assert.equal(parts.limitOf('other', 1), undefined);
  parts.forget('live', 1);
  assert.equal(parts.limitOf('live', 1), undefined);
});
