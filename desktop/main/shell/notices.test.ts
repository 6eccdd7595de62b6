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

const notice = (more: object): StreamEvent => ({
  id: null,
  type: 'alert.notice',
  data: {
    type: 'alert.notice',
    topic: 'alerts',
    data: { title: 'Node edge-1 isn’t reporting', lines: ['a', 'b'], ...more },
  },
});
const state = (status: ConnectionState['status']) => ({ status, error: null }) as ConnectionState;

test('a message of the daemon’s desktop channel is shown, and leads to its incident', (t) => {
  const { shown, notices } = subject(t);
  notices.onEvents('a', [notice({ incident: 7 }), notice({ lines: ['1', '2', '3', '4'] })]);
  assert.deepEqual(shown, [
    {
      title: 'studio-a: Node edge-1 isn’t reporting',
      body: 'a\nb',
      command: { kind: 'navigate', path: '/alerts?incident=7', connectionId: 'a' },
    },
    {
      title: 'studio-a: Node edge-1 isn’t reporting',
      body: '1\n2\n3',
      command: { kind: 'navigate', path: '/alerts', connectionId: 'a' },
    },
  ]);
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

test('what the person turned off is not shown', (t) => {
  const { shown, notices, pass } = subject(t, { ...DEFAULTS, notifyIncidents: false, notifyConnectionLost: false });
  notices.onEvents('a', [notice({})]);
  notices.onState('a', state('offline'));
  pass(100_000);
  assert.equal(shown.length, 0);
});

test('odd events break nothing', (t) => {
  const { shown, notices } = subject(t);
  notices.onEvents('a', [
    { id: null, type: 'alert.notice', data: null },
    { id: null, type: 'alert.notice', data: { data: 3 } },
    notice({ title: 3 }),
    notice({ lines: 'text' }),
    { id: null, type: 'node.stale', data: {} },
  ]);
  assert.equal(shown.length, 0);
});
