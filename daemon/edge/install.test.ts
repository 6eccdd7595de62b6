import assert from 'node:assert/strict';
import test from 'node:test';
import { whyNotAlive } from './install.ts';
import { type AgentState, NO_STATE } from './layout.ts';

test('an installation that doesn’t become alive names what it waits for', () => {
  const why = (state: Partial<AgentState>) => whyNotAlive({ ...NO_STATE, ...state }, 'http://127.0.0.1:6789/metrics');
  assert.match(why({}), /^no heartbeat arrived within 45 s/);
  assert.match(why({ refusal: 'x isn’t responding' }), /rejects the node’s heartbeats: x isn’t responding/);
  assert.match(
    why({ reportedAt: 1, reported: 'failed', problem: 'no Redis' }),
    /reports, but its LiveKit .*: no Redis/,
  );
  const mark = { pid: 1, startTime: '1' };
  assert.match(why({ reportedAt: 1, reported: 'starting', process: mark }), /127\.0\.0\.1:6789\/metrics can’t be read/);
  assert.match(why({ reportedAt: 1, reported: 'starting' }), /its LiveKit is starting/);
});
