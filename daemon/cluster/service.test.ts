import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { migrate } from '#daemon/platform/db/migrate.ts';
import { openDatabase } from '#daemon/platform/db/open.ts';
import { registryMigrations } from '#daemon/platform/db/registry/index.ts';
import { type DaemonEvent, EventBus } from '#daemon/platform/events/bus.ts';
import { SYSTEM } from '#daemon/platform/http/types.ts';
import { digestOfKeys } from '#daemon/platform/livekit-keys.ts';
import type { AgentReport, LivekitReport } from '#shared/schema/cluster.ts';
import { testBackground } from '#test/helpers/background.ts';
import { ManualClock } from '#test/helpers/clock.ts';
import { clusterRepository } from './repository.ts';
import { ClusterService } from './service.ts';

const CONFIG = {
  clusterToken: 'shared-token',
  clusterRedisUrl: '',
  publicWsUrl: '',
  livekitUrl: 'ws://127.0.0.1:7880',
  livekitApiKey: 'k',
  livekitApiSecret: 's',
  clusterStaleSeconds: 90,
  clusterDownSeconds: 300,
};

/** A service on a clock that the test moves. Both connections are one: nothing here is about their difference. */
function setUp(t: TestContext, more: Partial<typeof CONFIG> = {}, config = { ...CONFIG, ...more }) {
  const db = openDatabase(':memory:');
  migrate(db, registryMigrations);
  const repository = clusterRepository(db, db);
  t.after(() => db.close());
  const clock = new ManualClock();
  const events: DaemonEvent[] = [];
  const bus = new EventBus((error) => {
    throw error;
  });
  bus.subscribe((event) => events.push(event));
  const create = () =>
    new ClusterService({
      background: testBackground(),

      config,
      repository,
      events: bus,
      log: { info() {}, warn() {} },
      clock,
    });
  const cluster = create();
  cluster.nodes.load();
  return {
    cluster,
    create,
    events,
    /** Passes the time on both clocks. */
    pass(seconds: number) {
      clock.advance(seconds * 1000);
    },
    jump(seconds: number) {
      clock.jump(seconds * 1000);
    },
    join: (name: string, body: object = {}) => cluster.join('shared', { name, ip: '203.0.113.1', ...body }).answer,
    types: () => events.splice(0).map((event) => event.type),
  };
}

const livekit = (more: Partial<LivekitReport> = {}): LivekitReport => ({
  state: 'running',
  nodeId: 'ND_1',
  rooms: 0,
  participants: 0,
  clients: 0,
  foreignClients: 0,
  ...more,
});
const agent = (more: Partial<LivekitReport> = {}): AgentReport => ({
  version: '1',
  supervisor: 'child',
  livekit: livekit(more),
});

test('stale after more than 90 s, down later, each announced once, and alive again', (t) => {
  const { cluster, join, pass, types } = setUp(t);
  const { nodeId } = join('a');
  const health = () => cluster.record(cluster.require(nodeId)).health;
  types();
  cluster.sweep();
  pass(90);
  cluster.sweep();
  assert.equal(health(), 'alive', '90 s are not more than 90 s');
  pass(0.001);
  assert.equal(health(), 'stale');
  cluster.sweep();
  cluster.sweep();
  pass(300);
  cluster.sweep();
  cluster.sweep();
  assert.equal(health(), 'down');
  assert.deepEqual(types(), ['node.stale', 'node.down']);
  cluster.heartbeat('shared', { nodeId });
  assert.equal(health(), 'alive');
  assert.deepEqual(types(), ['node.alive']);
});

test('a jump of the wall clock makes nobody stale', (t) => {
  const { cluster, join, jump, types } = setUp(t);
  const { nodeId } = join('a');
  types();
  jump(86_400);
  cluster.sweep();
  assert.equal(cluster.record(cluster.require(nodeId)).stale, false);
  jump(-2 * 86_400);
  cluster.sweep();
  assert.equal(cluster.record(cluster.require(nodeId)).stale, false);
  assert.deepEqual(types(), []);
});

test('after a start nodes get the time to report before they are called stale', (t) => {
  const { cluster, create, join, pass, types } = setUp(t);
  const { nodeId } = join('a');
  cluster.nodes.flushNow();
  pass(1000);
  const next = create();
  t.after(() => next.stop());
  types();
  next.start();
  next.sweep();
  assert.equal(next.record(next.require(nodeId)).health, 'down', 'the entry itself is honest at once');
  assert.deepEqual(types(), []);
  pass(91);
  next.sweep();
  assert.deepEqual(types(), ['node.down']);
});

test('a node whose first heartbeat is outstanding is joining, and needs a look once the stale limit is over', async (t) => {
  const { cluster, create, join, pass, types } = setUp(t);
  const { nodeId } = join('a');
  // a process that ended before it stored the first heartbeat
  const next = create();
  types();
  next.start();
  const seen = () => {
    next.sweep();
    const { health, stale } = next.record(next.require(nodeId));
    return [health, stale];
  };
  assert.deepEqual(seen(), ['joining', true]);
  pass(90.001);
  assert.deepEqual(seen(), ['never', true]);
  next.heartbeat('shared', { nodeId });
  assert.deepEqual(seen(), ['alive', false]);
  assert.deepEqual(types(), []);
  assert.equal(cluster.summary().total, 1);
  await next.stop();
});

test('an address is not listened to after 30 wrong guesses, for five minutes; others are', (t) => {
  const { cluster, pass } = setUp(t);
  const admit = (token: string, ip: string): string => {
    try {
      return String(cluster.auth.authenticate(token, () => ip));
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  for (let i = 0; i < 30; i += 1) assert.equal(admit(`guess${i}`, '1.1.1.1'), 'CLUSTER_TOKEN_INVALID');
  assert.equal(admit('shared-token', '1.1.1.1'), 'RATE_LIMITED');
  assert.equal(admit('shared-token', '2.2.2.2'), 'shared');
  pass(301);
  assert.equal(admit('shared-token', '1.1.1.1'), 'shared');
});

test('a node whose LiveKit was started with other keys than the present ones is named', (t) => {
  const config = { ...CONFIG };
  const { cluster, join } = setUp(t, config, config);
  const { nodeId } = join('a');
  const keys = () => cluster.record(cluster.require(nodeId)).livekit_keys;
  assert.equal(keys(), null);
  cluster.heartbeat('shared', { nodeId, agent: agent() });
  assert.equal(keys(), null, 'an older agent does not tell');
  const beat = (...digests: string[]) => cluster.heartbeat('shared', { nodeId, agent: { ...agent(), keys: digests } });
  beat(digestOfKeys('k', 's'));
  assert.equal(keys(), 'current');
  config.livekitApiSecret = 'another';
  assert.equal(keys(), 'old', 'the same key with another secret');
  assert.ok(!JSON.stringify(cluster.record(cluster.require(nodeId))).includes(digestOfKeys('k', 's')));
  beat(digestOfKeys('k', 's'), digestOfKeys('k', 'another'));
  assert.equal(keys(), 'current', 'one of several');
});

test('the drain of a node goes by what its agent reports after it was told', (t) => {
  const { cluster, join, pass, types } = setUp(t);
  const { nodeId } = join('a');
  const beat = (more: Partial<LivekitReport> = {}) => cluster.heartbeat('shared', { nodeId, agent: agent(more) });
  const drain = () => cluster.record(cluster.require(nodeId)).drain;
  assert.deepEqual(beat(), { livekit: 'running', endRoomsInSeconds: null });
  types();
  cluster.update(nodeId, { status: 'draining' }, SYSTEM);
  assert.equal(drain()?.phase, 'requested');
  assert.deepEqual(beat({ state: 'stopped', nodeId: null }), { livekit: 'draining', endRoomsInSeconds: null });
  assert.equal(drain()?.phase, 'requested', 'sent before it was told');
  beat({ clients: 3, foreignClients: 2 });
  assert.deepEqual([drain()?.phase, drain()?.clients], ['clients', 2]);
  beat({ state: 'draining', rooms: 2, participants: 5 });
  assert.deepEqual([drain()?.phase, drain()?.rooms, drain()?.participants], ['rooms', 2, 5]);
  pass(5);
  beat({ state: 'stopped', nodeId: null });
  assert.deepEqual(
    [drain()?.phase, drain()?.drained, drain()?.drained_at],
    ['drained', true, '2026-01-01T00:00:05.000Z'],
  );
  assert.deepEqual(
    types().filter((type) => type !== 'node.updated'),
    ['node.drain', 'node.drain', 'node.drained'],
  );
  cluster.update(nodeId, { status: 'active' }, SYSTEM);
  assert.equal(drain(), null);
  assert.deepEqual(beat({ state: 'stopped' }), { livekit: 'running', endRoomsInSeconds: null });
});

test('a time limit counts down, can be changed and taken back, and needs a yes', (t) => {
  const { cluster, join, pass } = setUp(t);
  const { nodeId } = join('a');
  const patch = (body: object) => cluster.update(nodeId, body, SYSTEM);
  const beat = () => cluster.heartbeat('shared', { nodeId, agent: agent() });
  assert.throws(() => patch({ status: 'draining', drain: { endRoomsAfterSeconds: 60 } }), {
    code: 'DRAIN_CONFIRMATION_REQUIRED',
  });
  assert.equal(cluster.require(nodeId).status, 'active');
  patch({ status: 'draining', drain: { endRoomsAfterSeconds: 60, confirm: true } });
  pass(20);
  assert.deepEqual(beat(), { livekit: 'draining', endRoomsInSeconds: 40 });
  patch({ status: 'draining' });
  assert.equal(beat()?.endRoomsInSeconds, 40, 'saying it again keeps the limit and the start');
  patch({ drain: { endRoomsAfterSeconds: null } });
  assert.equal(beat()?.endRoomsInSeconds, null);
  patch({ drain: { endRoomsAfterSeconds: 0, confirm: true } });
  pass(3);
  assert.equal(beat()?.endRoomsInSeconds, 0);
});

test('without an agent draining is a mark, and says so', (t) => {
  const { cluster, join } = setUp(t);
  const { nodeId } = join('a');
  const { drain } = cluster.update(nodeId, { status: 'draining' }, SYSTEM);
  assert.deepEqual([drain?.phase, drain?.managed, drain?.drained], ['mark', false, false]);
  assert.match(drain?.note ?? '', /has no agent/);
});

test('a drain and its limit outlive the daemon', (t) => {
  const { cluster, create, join, pass } = setUp(t);
  const { nodeId } = join('a');
  cluster.update(nodeId, { status: 'draining', drain: { endRoomsAfterSeconds: 100, confirm: true } }, SYSTEM);
  const report = () => ({ nodeId, agent: agent({ state: 'draining', rooms: 1, participants: 1 }) });
  cluster.heartbeat('shared', report());
  cluster.heartbeat('shared', report());
  cluster.nodes.flushNow();
  pass(30);
  const next = create();
  next.nodes.load();
  const { drain } = next.record(next.require(nodeId));
  assert.deepEqual([drain?.phase, drain?.rooms, drain?.managed], ['rooms', 1, true]);
  assert.equal(next.heartbeat('shared', report())?.endRoomsInSeconds, 70);
});

test('placement: nothing changes with fewer than two nodes that report', (t) => {
  const { cluster, join } = setUp(t, { publicWsUrl: 'wss://public.example' });
  const none = { node: null, livekitNodeId: null, address: 'wss://public.example' };
  const { reason: first, ...empty } = cluster.placement.choose('r');
  assert.deepEqual(empty, none);
  assert.match(first, /No node reports/);
  const { nodeId } = join('a');
  join('quiet');
  cluster.heartbeat('shared', { nodeId, stats: { cpu: 0 }, agent: agent() });
  const { reason, ...one } = cluster.placement.choose('r');
  assert.deepEqual(one, none);
  assert.match(reason, /Only one node/);
  assert.equal(cluster.placement.entryAddress(), 'wss://public.example');
});

test('placement: a burst is shared, and a report starts the count anew', (t) => {
  const { cluster, join, pass } = setUp(t);
  const ids = ['a', 'b'].map((name) => join(name).nodeId);
  const beat = () => {
    for (const [i, nodeId] of ids.entries()) {
      cluster.heartbeat('shared', {
        nodeId,
        stats: { cpu: i === 0 ? 0.1 : 0.2 },
        agent: agent({ nodeId: `ND_${i}`, url: `ws://n${i}` }),
      });
    }
  };
  beat();
  const chosen = Array.from({ length: 12 }, (_, i) => {
    const preview = cluster.placement.preview().next?.name;
    const choice = cluster.placement.choose(`r${i}`);
    assert.equal(choice.node?.name, preview, 'the preview says what is done next');
    return choice.livekitNodeId;
  });
  assert.ok(chosen.includes('ND_0') && chosen.includes('ND_1'), chosen.join());
  assert.equal(chosen[0], 'ND_0');
  pass(5);
  beat();
  assert.equal(cluster.placement.choose('later').livekitNodeId, 'ND_0');
  assert.equal(cluster.placement.choose('later').address, 'ws://n0');
});

test('placement: who cannot take a room, and why', (t) => {
  const { cluster, join, pass } = setUp(t);
  const names = ['good', 'late', 'drained', 'off', 'starting', 'plain'];
  const ids = Object.fromEntries(names.map((name) => [name, join(name).nodeId]));
  const beat = (name: string, more: Partial<LivekitReport> = {}) =>
    cluster.heartbeat('shared', {
      nodeId: ids[name] as string,
      stats: { cpu: 0.1 },
      agent: agent({ nodeId: `ND_${name}`, ...more }),
    });
  beat('late');
  pass(46);
  for (const name of ['good', 'drained', 'off']) beat(name);
  beat('starting', { state: 'starting', nodeId: null });
  cluster.heartbeat('shared', { nodeId: ids['plain'] as string, stats: { cpu: 0 } });
  cluster.update(ids['drained'] as string, { status: 'draining' }, SYSTEM);
  cluster.update(ids['off'] as string, { status: 'disabled' }, SYSTEM);
  const { next, nodes } = cluster.placement.preview();
  assert.equal(next?.name, 'good');
  assert.deepEqual(Object.fromEntries(nodes.map((node) => [node.name, node.eligible ? 'next' : node.reason])), {
    good: 'next',
    late: 'has not reported recently',
    drained: 'is draining',
    off: 'is disabled',
    starting: 'its LiveKit is starting',
    plain: 'no agent reports for it',
  });
  cluster.update(ids['good'] as string, { status: 'draining' }, SYSTEM);
  assert.equal(cluster.placement.choose('r').node, null, 'when nobody can, LiveKit decides');
});

test('placement: the address of a node', (t) => {
  const { cluster, join } = setUp(t);
  const address = (name: string, url?: string, reported?: string) => {
    const { nodeId } = join(name, url === undefined ? {} : { url });
    cluster.heartbeat('shared', { nodeId, agent: agent(reported === undefined ? {} : { url: reported }) });
    return cluster.placement.addressFor(cluster.require(nodeId));
  };
  assert.equal(address('a', 'wss://a.example'), 'wss://a.example');
  assert.equal(address('b', 'https://b.example'), 'wss://b.example');
  assert.equal(address('c', undefined, 'ws://203.0.113.1:7880'), 'ws://203.0.113.1:7880');
  assert.equal(address('d'), 'ws://127.0.0.1:7880');
  const behind = setUp(t, { publicWsUrl: 'wss://all.example' });
  const { nodeId } = behind.join('e');
  behind.cluster.heartbeat('shared', { nodeId, agent: agent({ url: 'ws://203.0.113.1:7880' }) });
  assert.equal(behind.cluster.placement.addressFor(behind.cluster.require(nodeId)), 'wss://all.example');
});

test('a node that joins again without an address keeps the one it named, and else follows its IP address', (t) => {
  const { cluster, join } = setUp(t);
  const url = (name: string, first: object, again: object) => {
    const node = cluster.require(join(name, first).nodeId);
    cluster.join(node, { name, ip: '203.0.113.2', ...again });
    return node.url;
  };
  assert.equal(url('a', { url: 'wss://a.example' }, {}), 'wss://a.example');
  assert.equal(url('b', { url: 'wss://b.example' }, { url: '' }), '203.0.113.2');
  assert.equal(url('c', {}, {}), '203.0.113.2');
});

test('silent nodes are counted once all had the time to report after a start, without those that are disabled', async (t) => {
  const { cluster, create, join, pass } = setUp(t);
  const { nodeId } = join('a');
  join('b');
  pass(1000);
  assert.equal(cluster.summary().stale, 2);
  cluster.update(nodeId, { status: 'disabled' }, { id: 'u', label: 'u' });
  assert.equal(cluster.summary().stale, 1);
  const next = create();
  next.start();
  assert.equal(next.summary().stale, 0);
  pass(1000);
  assert.equal(next.summary().stale, 1);
  await next.stop();
});

test('a machine that fell silent gives its node to another one, such as itself after a reboot; a restart of the daemon forgets neither', async (t) => {
  const { cluster, create, join, pass } = setUp(t);
  const { nodeId } = join('a', { instance: 'boot-one' });
  const codeOf = (service: ClusterService, instance: string): string => {
    try {
      service.heartbeat('shared', { nodeId, instance });
      return 'taken';
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  assert.equal(codeOf(cluster, 'boot-one'), 'taken');
  pass(30);
  assert.equal(codeOf(cluster, 'boot-two'), 'NODE_DUPLICATED');
  assert.notEqual(cluster.record(cluster.require(nodeId)).duplicate, null);
  cluster.nodes.flushNow();
  const next = create();
  next.start();
  assert.equal(codeOf(next, 'boot-two'), 'NODE_DUPLICATED');
  pass(1);
  assert.equal(codeOf(next, 'boot-two'), 'taken');
  assert.equal(codeOf(next, 'boot-one'), 'NODE_DUPLICATED');
  pass(91);
  assert.equal(next.record(next.require(nodeId)).duplicate, null);
  await next.stop();
});

test('join codes end with their time on the monotonic clock, and outlive a restart of the daemon', (t) => {
  const { cluster, create, pass, jump } = setUp(t);
  const { code } = cluster.joinCodes.create({ ttlSeconds: 600 }, SYSTEM);
  const isValid = (service: ClusterService): boolean => {
    try {
      return service.auth.authenticate(code, () => '') !== 'shared';
    } catch {
      return false;
    }
  };
  jump(-86_400);
  assert.equal(isValid(cluster), true);
  const next = create();
  next.joinCodes.load();
  assert.equal(isValid(next), true);
  pass(601);
  assert.deepEqual([isValid(cluster), isValid(next)], [false, false], 'a clock that was set back gives no more time');
});
