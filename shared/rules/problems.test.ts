import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Connection } from '../ipc/connections.ts';
import type { Findings } from './findings.ts';
import { problemsOf } from './problems.ts';

const AT = '2026-01-01T00:00:00.000Z';
const NOW = Date.parse(AT);
const HOUR = 3_600_000;
const state = (status: Connection['state']['status'] = 'online', error: object | null = null) =>
  ({ status, since: AT, error }) as Connection['state'];
type Node = NonNullable<Findings['nodes']>[number];
const node = (name: string, health: Node['health'], more: Partial<Node> = {}): Node => ({
  id: name,
  name,
  status: 'active',
  health,
  created_at: AT,
  last_seen_at: null,
  agent: null,
  drain: null,
  ...more,
});
const stats = (livekitReachable: boolean, free = 50) => ({
  livekitReachable,
  disk: { totalBytes: 100 * 2 ** 30, freeBytes: free * 2 ** 30 },
});
const livekit = { url: 'ws://lk:7880', apiKeySet: true };
const job = (id: number, error: { message: string } | null = null, hoursAgo = 1) => ({
  id,
  title: `Job ${id}`,
  error,
  updatedAt: new Date(NOW - hoursAgo * HOUR).toISOString(),
});
const plugin = (state: string, reason: string | null = null) => ({ id: 'p', title: 'P', state, reason, since: AT });

describe('the problems of a daemon', () => {
  for (const [title, findings, problems] of [
    ['nothing known', {}, []],
    ['LiveKit is there', { stats: stats(true), livekit }, []],
    ['LiveKit is away', { stats: stats(false), livekit }, ['danger LiveKit at ws://lk:7880 isn’t responding']],
    [
      'LiveKit has no keys yet',
      { stats: stats(false), livekit: { ...livekit, apiKeySet: false } },
      ['danger LiveKit is not connected, so nothing can be streamed'],
    ],
    [
      'LiveKit is away, and the caller may not see the settings',
      { stats: stats(false), livekit: null },
      ['danger LiveKit is unavailable, so nothing can be streamed. Ask an administrator'],
    ],
    ['LiveKit’s settings may not be read', { stats: stats(false) }, []],
    ['the disk is at a tenth', { stats: stats(true, 10) }, []],
    ['the disk is nearly full', { stats: stats(true, 9) }, ['warn The disk is nearly full: 9 GiB free']],
    ['the disk is full', { stats: stats(true, 2) }, ['danger The disk is nearly full: 2 GiB free']],
    ['the disk is unknown', { stats: { livekitReachable: true, disk: null } }, []],
    ['a node has just joined', { nodes: [node('a', 'joining')] }, []],
    ['a node is disabled', { nodes: [node('a', 'down', { status: 'disabled' })] }, []],
    [
      'the most urgent node comes first',
      { nodes: [node('a', 'stale'), node('b', 'down'), node('c', 'alive')] },
      ['danger Node b is down: it isn’t reporting', 'warn Node a isn’t reporting'],
    ],
    [
      'many nodes are one line',
      { nodes: ['a', 'b', 'c', 'd'].map((name) => node(name, 'stale')) },
      ['warn 4 nodes need attention: a, b and 2 more'],
    ],
    [
      'a config is not active',
      {
        apps: [{ name: 'ok' }, { name: 'demo', problems: [{ code: 'CONFIG_INVALID', message: 'line 3', since: AT }] }],
      },
      ['danger The config of demo is not active: line 3'],
    ],
    [
      'rooms of an app are another team’s',
      { apps: [{ name: 'demo', problems: [{ code: 'ROOM_PREFIX_OVERLAPS', message: 'It overlaps.', since: AT }] }] },
      ['warn demo: It overlaps.'],
    ],
    ['a job failed', { failedJobs: [job(1, { message: 'no bucket' })] }, ['warn Job 1 failed: no bucket']],
    ['a job failed for an unknown reason', { failedJobs: [job(1)] }, ['warn Job 1 failed: no reason was given']],
    ['a job failed yesterday', { failedJobs: [job(1, null, 24)] }, []],
    ['three failed jobs are enough', { failedJobs: [1, 2, 3, 4].map((id) => job(id)) }, [1, 2, 3]],
    [
      'a job that keeps failing is tried again',
      { waitingJobs: [{ ...job(1, { message: 'no bucket' }), attempts: 3 }] },
      ['warn Job 1 failed 3 times and is tried again: no bucket'],
    ],
    ['a job that failed once is tried again', { waitingJobs: [{ ...job(1), attempts: 1 }] }, []],
    ['the daemon is ready', { checks: [{ name: 'registry', ok: true }] }, []],
    [
      'the daemon is not ready',
      {
        checks: [
          { name: 'registry', ok: true },
          { name: 'disk space', ok: false, detail: 'full' },
          { name: 'x', ok: false },
        ],
      },
      ['danger The daemon is not ready, so changes can fail. disk space: full; x'],
    ],
    ['a plugin runs', { plugins: [plugin('running')] }, []],
    ['a plugin failed', { plugins: [plugin('failed', 'no manifest')] }, ['warn Plugin P failed: no manifest']],
    ['a plugin crashed often', { plugins: [plugin('quarantined')] }, ['warn Plugin P is quarantined']],
    [
      'what is urgent comes first, whatever it is',
      { failedJobs: [job(1)], stats: stats(false), livekit },
      ['danger LiveKit at ws://lk:7880 isn’t responding', 'warn Job 1 failed: no reason was given'],
    ],
  ] as const satisfies readonly (readonly [string, Findings, readonly (string | number)[]])[])
    it(title, () => {
      const found = problemsOf(state(), findings, NOW);
      assert.deepEqual(
        found.map(({ urgency, text }) => `${urgency} ${text}`),
        problems.map((one) => (typeof one === 'number' ? `warn Job ${one} failed: no reason was given` : one)),
      );
      assert.equal(new Set(found.map(({ id }) => id)).size, found.length, 'ids are unique');
    });

  for (const [status, error, problem] of [
    ['online', null, undefined],
    ['connecting', null, undefined],
    ['offline', { message: 'refused' }, 'danger The daemon isn’t responding: refused'],
    ['signed-out', { message: 'Sign in again.' }, 'warn Sign in again.'],
    ['locked', null, 'warn Keychain locked'],
    ['untrusted', null, 'danger Its certificate is not the one that was trusted'],
    ['unusable', null, 'danger The server at this address is not a daemon that this app can use'],
  ] as const)
    it(`a connection that is ${status}`, () => {
      const [found] = problemsOf(state(status, error), {}, NOW);
      assert.equal(found && `${found.urgency} ${found.text}`, problem);
    });
});
