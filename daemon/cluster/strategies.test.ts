import assert from 'node:assert/strict';
import test from 'node:test';
import { loadOf, type NodeStats, rank } from './strategies.ts';

const node = (name: string, more: Partial<NodeStats> = {}): NodeStats => ({
  id: name,
  name,
  region: null,
  cpu: 0.2,
  memory: 0.3,
  rooms: 0,
  participants: 0,
  pending: 0,
  lastChosenAt: 0,
  ...more,
});
const order = (...args: Parameters<typeof rank>): string[] => rank(...args).map((entry) => entry.node.name);

test('least-load takes the least CPU, then the fewest participants, then the name', () => {
  const nodes = [node('c', { cpu: 0.5 }), node('b', { cpu: 0.1 }), node('a', { cpu: 0.1, participants: 3 })];
  assert.deepEqual(order('least-load', nodes), ['b', 'a', 'c']);
  assert.deepEqual(order('least-load', [node('z'), node('y')]), ['y', 'z']);
});

test('rooms placed since the last report count, so that a burst is shared', () => {
  const nodes = [node('a', { cpu: 0.1, pending: 10 }), node('b', { cpu: 0.2 })];
  assert.deepEqual(order('least-load', nodes), ['b', 'a']);
  assert.equal(loadOf(node('x', { cpu: 0.5, pending: 2 })), 0.54);
  assert.deepEqual(order('fewest-rooms', [node('a', { rooms: 1, pending: 2 }), node('b', { rooms: 2 })]), ['b', 'a']);
});

test('fewest-rooms goes by rooms, not by load', () => {
  assert.deepEqual(order('fewest-rooms', [node('a', { rooms: 4, cpu: 0 }), node('b', { rooms: 1, cpu: 0.8 })]), [
    'b',
    'a',
  ]);
});

test('same-region prefers the region, and is least-load without one', () => {
  const nodes = [
    node('far', { cpu: 0, region: 'us' }),
    node('near', { cpu: 0.7, region: 'eu' }),
    node('none', { cpu: 0.1 }),
  ];
  assert.deepEqual(order('same-region', nodes, 'eu'), ['near', 'far', 'none']);
  assert.deepEqual(order('same-region', nodes), ['far', 'none', 'near']);
  assert.deepEqual(order('same-region', nodes, ''), ['far', 'none', 'near']);
  assert.match(rank('same-region', nodes, 'eu')[0]?.reason ?? '', /in region eu, CPU 70 %/);
});

test('spread takes the node that waited longest', () => {
  const nodes = [node('a', { lastChosenAt: 7 }), node('b', { lastChosenAt: 3 }), node('c')];
  assert.deepEqual(order('spread', nodes), ['c', 'b', 'a']);
});

test('a nearly full node comes last under every strategy', () => {
  const full = [node('full', { cpu: 0.95, region: 'eu' }), node('packed', { memory: 0.97, region: 'eu' })];
  const nodes = [...full, node('free', { cpu: 0.89, rooms: 50, participants: 900, lastChosenAt: 9, region: 'us' })];
  for (const strategy of ['least-load', 'fewest-rooms', 'same-region', 'spread'] as const) {
    assert.equal(order(strategy, nodes, 'eu')[0], 'free', strategy);
  }
  assert.match(rank('spread', nodes)[2]?.reason ?? '', /nearly full/);
});

test('a node that does not report its load can be chosen, but after those that do', () => {
  assert.deepEqual(order('least-load', [node('silent', { cpu: null, rooms: null }), node('busy', { cpu: 0.8 })]), [
    'busy',
    'silent',
  ]);
  assert.match(rank('least-load', [node('silent', { cpu: null })])[0]?.reason ?? '', /CPU not reported/);
});

test('ranking changes nothing', () => {
  const nodes = Object.freeze([Object.freeze(node('b')), Object.freeze(node('a'))]);
  assert.deepEqual(order('least-load', nodes), ['a', 'b']);
  assert.deepEqual(
    nodes.map((n) => n.name),
    ['b', 'a'],
  );
});
