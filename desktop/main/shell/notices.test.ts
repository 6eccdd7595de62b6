import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { ConnectionState } from '#shared/ipc/connections.ts';
import type { StreamEvent } from '#shared/ipc/events.ts';
import { DEFAULTS } from '../preferences.ts';
import { type Notice, Notices } from './notices.ts';

function subject(t: TestContext, preferences = DEFAULTS) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const shown: Notice[] = [];
  const notices = new Notices({
    show: (notice) => shown.push(notice),
    preferences: () => preferences,
    nameOf: (id) => `studio-${id}`,
  });
  t.after(() => notices.stop());
  return { shown, notices, pass: (ms: number) => t.mock.timers.tick(ms) };
}

const HEALTH: Record<string, string> = { 'node.stale': 'stale', 'node.down': 'down', 'node.alive': 'alive' };
const node = (type: string, id: string, more: object = {}): StreamEvent => ({
  id: '1',
  type,
  data: {
    type,
    topic: 'nodes',
    data: { id, name: `edge-${id}`, status: 'active', health: HEALTH[type], ...more },
  },
});
const jobFailed = (id: number): StreamEvent => ({
  id: '1',
  type: 'job.failed',
  data: {
    data: { job: { id, title: 'Delete app demo', state: 'failed', error: { code: 'X', message: 'S3 says no.' } } },
  },
});
const state = (status: ConnectionState['status']) => ({ status, error: null }) as ConnectionState;

test('a lost node is said once, and again only when it was well in between', (t) => {
  const { shown, notices, pass } = subject(t);
  notices.onEvents('a', [node('node.stale', '1')]);
  notices.onEvents('a', [node('node.down', '1')]);
  pass(2000);
  assert.deepEqual(shown, [
    {
      title: 'studio-a: 1 node needs attention',
      body: 'Node edge-1 isn’t reporting.',
      command: { kind: 'navigate', path: '/cluster?node=1', connectionId: 'a' },
    },
  ]);
  notices.onEvents('a', [node('node.alive', '1'), node('node.stale', '1')]);
  pass(2000);
  assert.equal(shown.length, 2);
  pass(3_600_000);
  notices.onEvents('a', [node('node.down', '1')]);
  pass(2000);
  assert.equal(shown.length, 3);
});

test('a node is told of by the rule that tray and console use', (t) => {
  const { shown, notices, pass } = subject(t);
  notices.onEvents('a', [
    node('node.down', '1', { status: 'disabled' }),
    node('node.joined', '2', { health: 'joining' }),
    node('node.updated', '3', { health: 'alive', status: 'draining', drain: { managed: true, drained: true } }),
    node('node.alive', '4', { health: 'a word of a newer daemon' }),
  ]);
  pass(2000);
  assert.equal(shown.length, 0);
  notices.onEvents('a', [node('node.updated', '5', { health: 'alive', agent: { livekit: { state: 'failed' } } })]);
  pass(2000);
  assert.equal(shown[0]?.body, 'LiveKit on node edge-5 isn’t running.');
});

test('many at once are one piece of news for each daemon and kind', (t) => {
  const { shown, notices, pass } = subject(t);
  notices.onEvents(
    'a',
    Array.from({ length: 40 }, (_, i) => node('node.stale', String(i))),
  );
  notices.onEvents('a', [jobFailed(3)]);
  notices.onEvents('b', [node('node.stale', '1')]);
  pass(2000);
  assert.deepEqual(
    shown.map(({ title }) => title),
    ['studio-a: 40 nodes need attention', 'studio-a: job failed', 'studio-b: 1 node needs attention'],
  );
  assert.match(shown[0]?.body ?? '', /\nand 37 more$/);
  assert.equal(shown[1]?.body, 'Delete app demo: S3 says no.');
});

test('a connection that is back soon is not worth a word, one that stays away is', (t) => {
  const { shown, notices, pass } = subject(t);
  notices.onState('a', state('offline'));
  pass(20_000);
  notices.onState('a', state('online'));
  pass(60_000);
  assert.equal(shown.length, 0);
  notices.onState('a', state('offline'));
  notices.onState('a', state('offline'));
  pass(60_000);
  assert.deepEqual(
    shown.map(({ title }) => title),
    ['studio-a cannot be reached'],
  );
  notices.onState('a', state('online'));
  notices.onState('a', state('offline'));
  notices.forget('a');
  pass(60_000);
  assert.equal(shown.length, 1);
});

test('what the person turned off is not shown, and odd events break nothing', (t) => {
  const off = { ...DEFAULTS, notifyNodeLost: false, notifyJobFailed: false, notifyConnectionLost: false };
  const { shown, notices, pass } = subject(t, off);
  notices.onEvents('a', [node('node.stale', '1'), jobFailed(1)]);
  notices.onState('a', state('offline'));
  notices.onEvents('a', [
    { id: null, type: 'node.stale', data: null },
    { id: null, type: 'job.failed', data: 'text' },
    { id: null, type: 'node.alive', data: { data: 3 } },
  ]);
  pass(100_000);
  assert.equal(shown.length, 0);
});
