import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClusterNode } from '../schema/cluster.ts';
import { isStale, nodeHealth, nodeSentence, nodeState, nodesInNeed, nodeTiming } from './nodes.ts';

const LIMITS = { staleMs: 90_000, downMs: 300_000 };

describe('a node’s health', () => {
  for (const [silentMs, knownMs, health] of [
    [null, 0, 'joining'],
    [null, 90_000, 'joining'],
    [null, 90_001, 'never'],
    [0, 0, 'alive'],
    [90_000, 1e9, 'alive'],
    [90_001, 1e9, 'stale'],
    [300_000, 1e9, 'stale'],
    [300_001, 1e9, 'down'],
  ] as const)
    it(`is ${health} after ${silentMs} ms of silence, ${knownMs} ms after it joined`, () =>
      assert.equal(nodeHealth(silentMs, knownMs, LIMITS), health));

  it('counts as stale in the API unless it is alive', () => {
    assert.deepEqual((['alive', 'joining', 'never', 'stale', 'down'] as const).map(isStale), [
      false,
      true,
      true,
      true,
      true,
    ]);
  });

  it('takes the rhythm of reports and the age for placement from the same setting', () => {
    assert.deepEqual(nodeTiming(90, 300), { ...LIMITS, freshMs: 45_000, heartbeatSeconds: 10, twinMs: 30_000 });
    assert.equal(nodeTiming(2, 3).heartbeatSeconds, 1);
    assert.equal(nodeTiming(86_400, 604_800).heartbeatSeconds, 30);
  });
});

const failed = { livekit: { state: 'failed' } } as ClusterNode['agent'];
const drain = (more: Partial<NonNullable<ClusterNode['drain']>>) =>
  ({ managed: true, ...more }) as ClusterNode['drain'];

describe('what a node needs', () => {
  for (const [title, node, code, urgency] of [
    ['active', { status: 'active', health: 'alive' }, 'active', null],
    ['just joined', { status: 'active', health: 'joining' }, 'joining', null],
    ['joined long ago, never heard', { status: 'active', health: 'never' }, 'never', 'warn'],
    ['silent', { status: 'active', health: 'stale' }, 'stale', 'warn'],
    ['silent for long', { status: 'active', health: 'down' }, 'down', 'danger'],
    ['LiveKit failed', { status: 'active', health: 'alive', agent: failed }, 'livekit-failed', 'danger'],
    ['LiveKit has old keys', { status: 'active', health: 'alive', livekit_keys: 'old' }, 'old-keys', 'warn'],
    ['LiveKit has the present keys', { status: 'active', health: 'alive', livekit_keys: 'current' }, 'active', null],
    ['silent with LiveKit failed', { status: 'active', health: 'stale', agent: failed }, 'stale', 'warn'],
    ['disabled and silent', { status: 'disabled', health: 'down' }, 'disabled', null],
    ['disabled, LiveKit failed', { status: 'disabled', health: 'alive', agent: failed }, 'disabled', null],
    ['draining', { status: 'draining', health: 'alive', drain: drain({}) }, 'draining', null],
    [
      'draining without an agent',
      { status: 'draining', health: 'alive', drain: drain({ managed: false }) },
      'marked',
      null,
    ],
    ['drained', { status: 'draining', health: 'alive', drain: drain({ drained: true }) }, 'drained', null],
    [
      'drained, LiveKit failed',
      { status: 'draining', health: 'alive', agent: failed, drain: drain({ drained: true }) },
      'drained',
      null,
    ],
    ['draining and silent', { status: 'draining', health: 'stale', drain: drain({}) }, 'stale', 'warn'],
  ] as const)
    it(`${title}: ${urgency ?? 'nothing'}`, () => {
      const state = nodeState(node);
      assert.deepEqual([state.code, state.urgency], [code, urgency]);
      assert.match(nodeSentence('a', state), /\ba\b/);
    });

  it('puts the most urgent first', () => {
    const nodes = [
      { name: 'a', status: 'active', health: 'stale' },
      { name: 'b', status: 'active', health: 'alive' },
      { name: 'c', status: 'active', health: 'down' },
    ] as const;
    assert.deepEqual(
      nodesInNeed(nodes).map(({ node }) => node.name),
      ['c', 'a'],
    );
  });
});
