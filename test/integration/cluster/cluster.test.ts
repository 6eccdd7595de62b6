import assert from 'node:assert/strict';
import { once } from 'node:events';
import test, { before, describe } from 'node:test';
import { MasterClient } from '#daemon/edge/master-client.ts';
import type { DaemonEvent } from '#daemon/platform/events/bus.ts';
import { NODE_DOWN_SECONDS, NODE_STALE_SECONDS } from '#shared/limits.ts';
import { nodeTiming } from '#shared/rules/nodes.ts';
import type { JoinAnswer, PlacementCandidate } from '#shared/schema/cluster.ts';
import { blockScope, Client, type TestDaemon, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';

const TOKEN = 'clt_0123456789abcdefghijklmnopqrstuv';
const ENV = {
  STREAMHUB_CLUSTER_TOKEN: TOKEN,
  STREAMHUB_CLUSTER_REDIS_URL: 'redis://:pw@10.0.0.1:6379',
  PUBLIC_WS_URL: 'wss://media.example.com',
  LIVEKIT_API_KEY: 'APIkey',
  LIVEKIT_API_SECRET: 'the-livekit-secret',
};
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Calls as a machine does: with a cluster token, without a Bearer. */
function machine(daemon: { url: string }, token: string | null = TOKEN) {
  const client = new Client(daemon.url, null);
  const headers: Record<string, string> = token === null ? {} : { 'x-cluster-token': token };
  return (path: string, body: unknown) => client.post(path, body, headers);
}

describe('cluster registry', () => {
  let daemon: TestDaemon;
  let events: DaemonEvent[];
  const call = (path: string, body: unknown) => machine(daemon)(path, body);
  const join = async (name: string, more: object = {}): Promise<JoinAnswer> => {
    const { body, status } = await call('/cluster/join', { name, ip: '203.0.113.10', ...more });
    assert.ok(status === 201 || status === 200, JSON.stringify(body));
    return body.data;
  };
  const node = async (id: string) => (await daemon.api.get(`/cluster/nodes/${id}`)).body.data;
  const scope = blockScope();
  before(async () => {
    daemon = await testDaemon(scope, ENV);
    events = [];
    daemon.services.events.subscribe((event) => events.push(event));
  });

  test('a new name is 201 with what the node needs, a known one 200 with the same id', async () => {
    const first = await call('/cluster/join', {
      name: 'edge-1',
      ip: '203.0.113.10',
      region: 'eu',
      url: 'wss://e1.example',
    });
    assert.equal(first.status, 201);
    assert.equal(first.body.error, null);
    const { nodeId, nodeToken, heartbeatSeconds, ...rest } = first.body.data;
    assert.match(nodeId, UUID);
    assert.match(nodeToken, /^shn_[\w-]{43}$/);
    assert.equal(heartbeatSeconds, nodeTiming(NODE_STALE_SECONDS, NODE_DOWN_SECONDS).heartbeatSeconds);
    assert.deepEqual(rest, {
      name: 'edge-1',
      redisUrl: 'redis://:pw@10.0.0.1:6379',
      publicWsUrl: 'wss://media.example.com',
      livekit: { apiKey: 'APIkey', apiSecret: 'the-livekit-secret', wsUrl: 'ws://127.0.0.1:7880' },
    });
    const again = await call('/cluster/join', { name: 'edge-1', ip: '203.0.113.11' });
    assert.equal(again.status, 200);
    assert.equal(again.body.data.nodeId, nodeId);
    const record = await node(nodeId);
    assert.equal(record.url, '203.0.113.11', 'without url the address is the url');
    assert.equal(record.region, 'eu', 'an absent region keeps the stored one');
    await join('edge-1', { region: '' });
    assert.equal((await node(nodeId)).region, null, 'an empty region clears it');
  });

  test('a node has the documented fields', async () => {
    const { nodeId } = await join('edge-fields', { region: 'eu-central' });
    const record = await node(nodeId);
    const { created_at, last_seen_at, ...rest } = record;
    assert.match(created_at, /^\d{4}-\d\d-\d\dT.*Z$/);
    assert.match(last_seen_at, /^\d{4}-\d\d-\d\dT.*Z$/);
    assert.deepEqual(rest, {
      id: nodeId,
      name: 'edge-fields',
      url: '203.0.113.10',
      ip: '203.0.113.10',
      region: 'eu-central',
      status: 'active',
      stats: null,
      stale: false,
      health: 'alive',
      agent: null,
      livekit_keys: null,
      drain: null,
      duplicate: null,
    });
    const { body } = await daemon.api.get('/cluster/nodes');
    assert.equal(body.error, null);
    assert.deepEqual(
      body.data.find((n: { id: string }) => n.id === nodeId),
      record,
      'the list shows the same',
    );
  });

  test('the list is ordered by creation and can be read in parts', async () => {
    await join('edge-list-b');
    await join('edge-list-a');
    const all = (await daemon.api.get('/cluster/nodes')).body.data as { name: string; created_at: string }[];
    const sorted = [...all].sort((a, b) => (a.created_at + a.name < b.created_at + b.name ? -1 : 1));
    assert.deepEqual(all, sorted);
    const part = (await daemon.api.get('/cluster/nodes?limit=2&offset=1')).body.data;
    assert.deepEqual(
      part.map((n: { name: string }) => n.name),
      all.slice(1, 3).map((n) => n.name),
    );
  });

  test('heartbeats replace the stats or keep them', async () => {
    const { nodeId } = await join('edge-beat');
    const first = await call('/cluster/heartbeat', { nodeId, stats: { cpu: 0.42, activeStreams: 3 } });
    assert.equal(first.status, 200);
    assert.deepEqual(first.body, { data: { ok: true }, error: null });
    assert.deepEqual((await node(nodeId)).stats, { cpu: 0.42, activeStreams: 3 });
    await call('/cluster/heartbeat', { nodeId });
    assert.deepEqual((await node(nodeId)).stats, { cpu: 0.42, activeStreams: 3 });
    await call('/cluster/heartbeat', { nodeId, stats: {} });
    assert.deepEqual((await node(nodeId)).stats, {});
  });

  test('stats have a limit of 4096 bytes, tested before the node', async () => {
    const { nodeId } = await join('edge-limit');
    const sized = (bytes: number, char = 'x') => {
      const length = (bytes - '{"a":""}'.length) / Buffer.byteLength(char);
      return { a: char.repeat(length) };
    };
    for (const char of ['x', 'é']) {
      assert.equal((await call('/cluster/heartbeat', { nodeId, stats: sized(4096, char) })).status, 200);
      const over = await call('/cluster/heartbeat', { nodeId: 'nobody', stats: sized(4098, char) });
      assert.equal(over.status, 413);
      assert.equal(over.body.error, 'stats payload too large (max 4096 bytes serialized)');
      assert.equal(over.body.message, over.body.error);
    }
    const unknown = await call('/cluster/heartbeat', { nodeId: 'nobody' });
    assert.equal(unknown.status, 404);
    assert.equal(unknown.body.error, 'unknown node');
    const huge = await call('/cluster/heartbeat', { nodeId, stats: { a: 'x'.repeat(200_000) } });
    assert.equal(huge.status, 413);
  });

  test('the token is asked for before the body is looked at', async () => {
    for (const path of ['/cluster/join', '/cluster/heartbeat']) {
      const anonymous = await machine(daemon, null)(path, {});
      assert.equal(anonymous.status, 401);
      assert.equal(anonymous.body.error, 'invalid cluster token');
      assert.equal((await machine(daemon, `${TOKEN}x`)(path, '{broken')).status, 401);
      assert.equal((await call(path, '{broken')).status, 400);
      const invalid = await call(path, {});
      assert.equal(invalid.status, 400);
      assert.equal(typeof invalid.body.message, 'string');
    }
  });

  test('a node whose credential is invalid is told to join again', async () => {
    const { nodeId } = await join('edge-unknown');
    const credential = `shn_${'a'.repeat(43)}`;
    const answer = await machine(daemon, credential)('/cluster/heartbeat', { nodeId });
    assert.deepEqual([answer.status, answer.body.code], [401, 'NODE_CREDENTIAL_INVALID']);
    assert.equal(answer.body.error, answer.body.message);
    await assert.rejects(new MasterClient(daemon.url, credential).leave(nodeId, 'this-machine'), {
      message: 'this node credential is invalid. Run the join command on the machine again.',
    });
  });

  test('bad bodies are 400 and name the field', async () => {
    const bad: [object, string][] = [
      [{ name: 'a b', ip: '1.2.3.4' }, 'body.name'],
      [{ name: '', ip: '1.2.3.4' }, 'body.name'],
      [{ name: 'x'.repeat(65), ip: '1.2.3.4' }, 'body.name'],
      [{ ip: '1.2.3.4' }, 'body.name'],
      [{ name: 'ok' }, 'body.ip'],
      ...['0.0.0.0', '::', '::ffff:0.0.0.0', '224.0.0.1', '255.255.255.255', '169.254.1.1', 'fe80::1', '1.2.3'].map(
        (ip): [object, string] => [{ name: 'ok', ip }, 'body.ip'],
      ),
      [{ name: 'ok', ip: 'fe80::1%eth0' }, 'body.ip'],
      [{ name: 'ok', ip: '1.2.3.4', region: 'x'.repeat(65) }, 'body.region'],
      [{ name: 'ok', ip: '1.2.3.4', region: null }, 'body.region'],
      [{ name: 'ok', ip: '1.2.3.4', url: 'x'.repeat(256) }, 'body.url'],
      ...['media.example.com', 'wss://', 'javascript:alert(1)'].map((url): [object, string] => [
        { name: 'ok', ip: '1.2.3.4', url },
        'body.url',
      ]),
    ];
    for (const [body, field] of bad) {
      const answer = await call('/cluster/join', body);
      assert.equal(answer.status, 400, JSON.stringify(body));
      assert.equal(answer.body.details[0].path, field);
    }
    for (const stats of [[], 'text', 5, null]) {
      assert.equal((await call('/cluster/heartbeat', { nodeId: 'x', stats })).status, 400);
    }
    assert.equal((await call('/cluster/join', { name: 'edge-v6', ip: '2001:db8::7' })).status, 201);
  });

  test('the operator’s status survives join and heartbeat', async () => {
    const { nodeId } = await join('edge-status');
    const drained = await daemon.api.patch(`/cluster/nodes/${nodeId}`, { status: 'draining' });
    assert.equal(drained.body.data.status, 'draining');
    await join('edge-status');
    await call('/cluster/heartbeat', { nodeId });
    assert.equal((await node(nodeId)).status, 'draining');
    await daemon.api.patch(`/cluster/nodes/${nodeId}`, { status: 'disabled' });
    const refused = await call('/cluster/join', { name: 'edge-status', ip: '203.0.113.10' });
    assert.equal(refused.status, 403);
    assert.ok(!refused.text.includes('the-livekit-secret'), 'a disabled node gets no credentials');
    await call('/cluster/heartbeat', { nodeId });
    assert.equal((await node(nodeId)).status, 'disabled');
  });

  test('names are unique, the origin’s is reserved', async () => {
    const { nodeId } = await join('edge-unique');
    await join('edge-other');
    assert.equal((await daemon.api.patch(`/cluster/nodes/${nodeId}`, { name: 'edge-other' })).status, 409);
    assert.equal((await daemon.api.patch(`/cluster/nodes/${nodeId}`, { name: 'origin' })).status, 409);
    assert.equal((await daemon.api.patch('/cluster/nodes/origin', { name: 'main' })).body.data.name, 'main');
    assert.equal((await daemon.api.patch(`/cluster/nodes/${nodeId}`, { name: 'origin' })).status, 409);
    assert.equal((await daemon.api.patch('/cluster/nodes/origin', { name: 'origin' })).body.data.name, 'origin');
    assert.equal((await call('/cluster/join', { name: 'origin', ip: '1.2.3.4' })).status, 409);
    assert.equal((await call('/cluster/join', { name: 'Origin', ip: '1.2.3.4' })).status, 409);
    const renamed = await daemon.api.patch(`/cluster/nodes/${nodeId}`, { name: 'edge-renamed', region: 'us' });
    assert.equal(renamed.body.data.name, 'edge-renamed');
    assert.equal(renamed.body.data.region, 'us');
    assert.equal((await daemon.api.patch(`/cluster/nodes/${nodeId}`, { name: null })).status, 400);
    assert.deepEqual((await daemon.api.patch(`/cluster/nodes/${nodeId}`, {})).body.data, renamed.body.data);
    assert.deepEqual((await daemon.api.patch(`/cluster/nodes/${nodeId}`)).body.data, renamed.body.data);
    assert.equal((await daemon.api.patch(`/cluster/nodes/${nodeId}`, { status: 'drained' })).status, 400);
    assert.equal((await daemon.api.patch('/cluster/nodes/nobody', {})).status, 404);
  });

  test('a removed node is gone, and its credential with it', async () => {
    const { nodeId, nodeToken } = await join('edge-gone');
    const deleted = await daemon.api.delete(`/cluster/nodes/${nodeId}`);
    assert.deepEqual(deleted.body, { data: { id: nodeId, deleted: true }, error: null });
    assert.equal((await daemon.api.delete(`/cluster/nodes/${nodeId}`)).status, 404);
    assert.equal((await call('/cluster/heartbeat', { nodeId })).status, 404);
    const own = await machine(daemon, nodeToken)('/cluster/heartbeat', { nodeId });
    assert.equal(own.status, 410, 'its agent is told that it was removed');
    assert.equal((await machine(daemon, nodeToken)('/cluster/join', { name: 'edge-gone', ip: '1.2.3.4' })).status, 410);
  });

  test('a node’s own credential speaks for it alone, and then the shared token no longer does', async () => {
    const one = await join('edge-own-1');
    const two = await join('edge-own-2');
    const as = machine(daemon, one.nodeToken);
    assert.equal((await as('/cluster/heartbeat', { nodeId: two.nodeId })).status, 401);
    assert.equal((await call('/cluster/heartbeat', { nodeId: one.nodeId })).status, 200, 'until it was used');
    assert.equal((await as('/cluster/heartbeat', { nodeId: one.nodeId })).status, 200);
    const shared = await call('/cluster/heartbeat', { nodeId: one.nodeId });
    assert.equal(shared.status, 401);
    assert.equal(shared.body.code, 'NODE_CREDENTIAL_REQUIRED');
    const namesake = await call('/cluster/join', { name: 'edge-own-1', ip: '198.51.100.1' });
    assert.equal(namesake.status, 409, 'another machine of the same name does not take its place while it lives');
    const rejoined = await as('/cluster/join', { name: 'a-new-hostname', ip: '198.51.100.1' });
    assert.equal(rejoined.status, 200);
    assert.equal(rejoined.body.data.nodeId, one.nodeId);
    assert.equal(rejoined.body.data.name, 'edge-own-1', 'the registered name stays');
    assert.equal((await as('/cluster/heartbeat', { nodeId: one.nodeId })).status, 401, 'the old credential ended');
    assert.equal((await machine(daemon, two.nodeToken)('/cluster/leave', { nodeId: two.nodeId })).status, 200);
    assert.equal((await daemon.api.get(`/cluster/nodes/${two.nodeId}`)).status, 404);
    assert.equal((await call('/cluster/leave', { nodeId: rejoined.body.data.nodeId })).status, 401);
  });

  test('a join code is good for one machine, its name and its time; only its answer shows it', async () => {
    const created = await daemon.api.post('/cluster/join-codes', { name: 'edge-coded', ttlSeconds: 600 });
    assert.equal(created.status, 201);
    const { code, joinCommand, id, uses, usesLeft } = created.body.data;
    assert.deepEqual([uses, usesLeft], [1, 1]);
    assert.match(joinCommand, new RegExp(`=${code};.* --node-name edge-coded$`));
    const listed = await daemon.api.get('/cluster/join-codes');
    assert.ok(listed.body.data.some((one: { id: string }) => one.id === id));
    assert.ok(!listed.text.includes(code));
    const as = machine(daemon, code);
    assert.equal((await as('/cluster/join', { name: 'edge-else', ip: '203.0.113.10' })).body.code, 'JOIN_CODE_NAME');
    const first = await as('/cluster/join', { name: 'edge-coded', ip: '203.0.113.10' });
    assert.equal(first.status, 201);
    const { nodeId, nodeToken } = first.body.data;
    assert.equal((await as('/cluster/heartbeat', { nodeId })).status, 401, 'it lets a machine join and nothing else');
    assert.equal((await as('/cluster/leave', { nodeId })).status, 401);
    // the answer may have been lost on the way
    const again = await as('/cluster/join', { name: 'edge-coded', ip: '203.0.113.10' });
    assert.deepEqual([again.status, again.body.data.nodeId], [200, nodeId]);
    assert.equal((await machine(daemon, nodeToken)('/cluster/heartbeat', { nodeId })).status, 401, 'replaced');
    await machine(daemon, again.body.data.nodeToken)('/cluster/heartbeat', { nodeId });
    const used = await as('/cluster/join', { name: 'edge-coded', ip: '203.0.113.10' });
    assert.deepEqual([used.status, used.body.code], [401, 'JOIN_CODE_INVALID']);
    assert.match(used.body.hint, /new join command/);

    const revoked = (await daemon.api.post('/cluster/join-codes')).body.data;
    assert.equal((await daemon.api.delete(`/cluster/join-codes/${revoked.id}`)).status, 200);
    assert.equal((await daemon.api.delete(`/cluster/join-codes/${revoked.id}`)).body.code, 'JOIN_CODE_NOT_FOUND');
    assert.equal((await machine(daemon, revoked.code)('/cluster/join', { name: 'late', ip: '1.2.3.4' })).status, 401);
    for (const body of [{ uses: 0 }, { ttlSeconds: 59 }, { ttlSeconds: 1e9 }, { name: 'a b' }]) {
      assert.equal((await daemon.api.post('/cluster/join-codes', body)).status, 400, JSON.stringify(body));
    }
  });

  test('a living node keeps its name and its address, no matter who names them', async () => {
    const mine = await join('edge-living', { url: 'wss://living.example' });
    const as = machine(daemon, mine.nodeToken);
    await as('/cluster/heartbeat', { nodeId: mine.nodeId });
    const { code } = (await daemon.api.post('/cluster/join-codes')).body.data;
    for (const token of [TOKEN, code]) {
      const other = machine(daemon, token);
      const same = await other('/cluster/join', {
        name: 'edge-living',
        ip: '203.0.113.10',
        url: 'wss://living.example',
      });
      assert.deepEqual([same.status, same.body.code], [409, 'NODE_NAME_IN_USE'], 'also from its own address');
      assert.match(same.body.hint, /remove it/);
      const beside = { name: 'edge-beside', ip: '203.0.113.10', url: 'wss://LIVING.example:443/' };
      assert.equal((await other('/cluster/join', beside)).body.code, 'NODE_ADDRESS_IN_USE');
    }
    assert.equal((await as('/cluster/heartbeat', { nodeId: mine.nodeId })).status, 200, 'its credential still counts');
    await daemon.api.delete(`/cluster/nodes/${mine.nodeId}`);
    const replaced = await machine(daemon, code)('/cluster/join', { name: 'edge-living', ip: '203.0.113.99' });
    assert.equal(replaced.status, 201, 'the operator made room, and a refused join had not used the code up');
  });

  test('a cloned disk is noticed, shown and refused, and cannot take the node out', async () => {
    const { nodeId, nodeToken } = await join('edge-cloned', { instance: 'machine-one' });
    const as = machine(daemon, nodeToken);
    const beat = (instance: string) => as('/cluster/heartbeat', { nodeId, instance });
    assert.equal((await beat('machine-one')).status, 200);
    const clone = await beat('machine-two');
    assert.deepEqual([clone.status, clone.body.code], [409, 'NODE_DUPLICATED']);
    assert.match(clone.body.hint, /--uninstall/);
    const body = { name: 'edge-cloned', ip: '203.0.113.10', instance: 'machine-two' };
    assert.equal((await as('/cluster/join', body)).body.code, 'NODE_DUPLICATED');
    assert.equal((await as('/cluster/leave', { nodeId, instance: 'machine-two' })).body.code, 'NODE_DUPLICATED');
    assert.equal((await beat('machine-one')).status, 200);
    const { duplicate } = await node(nodeId);
    assert.equal(duplicate.address, '127.0.0.1');
    assert.equal((await as('/cluster/leave', { nodeId, instance: 'machine-one' })).status, 200);
  });

  test('only global scope sees and changes nodes', async () => {
    const { body } = await daemon.api.post('/tokens', { name: 'app', scope: 'app', appId: 1 });
    for (const [token, status] of [
      [null, 401],
      [body.token, 403],
    ] as const) {
      const caller = daemon.api.as(token);
      for (const path of [
        '/cluster/info',
        '/cluster/nodes',
        '/cluster/settings',
        '/cluster/placement',
        '/cluster/join-codes',
      ]) {
        assert.equal((await caller.get(path)).status, status, path);
      }
      assert.equal((await caller.patch('/cluster/nodes/x', { bad: 1 })).status, status);
      assert.equal((await caller.delete('/cluster/nodes/x')).status, status);
    }
  });

  test('info prints the join command for this daemon, quoted for a shell', async () => {
    const { body } = await daemon.api.get('/cluster/info');
    assert.equal(body.data.enabled, true);
    assert.equal(body.data.clusterToken, TOKEN);
    assert.equal(body.data.clusterRedisUrl, ENV.STREAMHUB_CLUSTER_REDIS_URL);
    assert.equal(body.data.nodesCount, (await daemon.api.get('/cluster/nodes')).body.data.length);
    const { staleAfterSeconds, downAfterSeconds, heartbeatSeconds } = body.data;
    assert.deepEqual(
      { staleAfterSeconds, downAfterSeconds, heartbeatSeconds },
      {
        staleAfterSeconds: NODE_STALE_SECONDS,
        downAfterSeconds: NODE_DOWN_SECONDS,
        heartbeatSeconds: nodeTiming(NODE_STALE_SECONDS, NODE_DOWN_SECONDS).heartbeatSeconds,
      },
    );
    const base = daemon.url;
    const [command = '', code] =
      /^\{ echo STREAMHUB_JOIN_CODE=(shj_[\w-]{22}); curl -fsSL (.*)$/.exec(body.data.joinCommand) ?? [];
    assert.ok(command.endsWith(`${base}/install.sh; } | sudo sh -s -- --join --master-url ${base}`), command);
    assert.ok(!command.includes(TOKEN));
    assert.equal((await daemon.api.get('/cluster/info')).body.data.joinCommand, command, 'the same until it is used');
    const joined = await machine(daemon, code)('/cluster/join', { name: 'edge-pasted', ip: '203.0.113.10' });
    assert.equal(joined.status, 201);
    assert.notEqual((await daemon.api.get('/cluster/info')).body.data.joinCommand, command);
    assert.ok(body.data.notes.some((note: string) => note.includes('loopback')));
  });

  test('the origin is there, alive, and cannot be joined over', async () => {
    const origin = await node('origin');
    assert.equal(origin.name, 'origin');
    assert.equal(origin.region, 'origin');
    assert.equal(origin.stale, false);
    const { role, cores, loadavg1, cpu, memTotal, memFree, memUsedRatio } = origin.stats;
    assert.equal(role, 'origin');
    for (const value of [cores, loadavg1, cpu, memTotal, memFree, memUsedRatio]) assert.equal(typeof value, 'number');
  });

  test('a node whose memory is nearly used up gets rooms after one with a little more CPU use', async () => {
    for (const [name, memUsedRatio, cpu] of [
      ['full-memory', 0.94, 0.05],
      ['free-memory', 0.1, 0.06],
    ] as const) {
      const { nodeId, nodeToken } = await join(name);
      const livekit = { state: 'running', nodeId: name, rooms: 0, participants: 0, clients: 0, foreignClients: 0 };
      const agent = { version: '1', supervisor: 'child', livekit };
      const beat = { nodeId, stats: { cpu, memUsedRatio }, agent };
      assert.equal((await machine(daemon, nodeToken)('/cluster/heartbeat', beat)).status, 200);
    }
    const ranked = async () => {
      const nodes: PlacementCandidate[] = (await daemon.api.get('/cluster/placement')).body.data.nodes;
      return nodes.flatMap(({ name, rank, load, reason }) => (rank === null ? [] : [{ name, rank, load, reason }]));
    };
    assert.deepEqual(await ranked(), [
      { name: 'free-memory', rank: 1, load: 0.1, reason: 'CPU 6 %, memory 10 %, 0 rooms' },
      { name: 'full-memory', rank: 2, load: 0.94, reason: 'CPU 5 %, memory 94 %, 0 rooms' },
    ]);
    for (let i = 0; i < 60; i += 1) daemon.services.cluster.placement.choose(`room-${i}`);
    for (const { load } of await ranked()) assert.ok((load ?? 2) <= 1, 'what was just placed adds to the load up to 1');
    for (const { id, name } of (await daemon.api.get('/cluster/nodes')).body.data)
      if (name.endsWith('-memory')) await daemon.api.delete(`/cluster/nodes/${id}`);
  });

  test('the placement strategy is a setting', async () => {
    assert.deepEqual((await daemon.api.get('/cluster/settings')).body.data, { strategy: 'least-load' });
    assert.equal((await daemon.api.patch('/cluster/settings', { strategy: 'random' })).status, 400);
    const changed = await daemon.api.patch('/cluster/settings', { strategy: 'spread' });
    assert.deepEqual(changed.body.data, { strategy: 'spread' });
    assert.deepEqual((await daemon.api.patch('/cluster/settings', {})).body.data, { strategy: 'spread' });
    const preview = (await daemon.api.get('/cluster/placement')).body.data;
    assert.equal(preview.strategy, 'spread');
    assert.equal(preview.next, null, 'nothing that reports: LiveKit chooses');
    assert.equal(preview.nodes.length, (await daemon.api.get('/cluster/nodes')).body.data.length);
  });

  test('changes are announced with who made them, and without a credential', async () => {
    const { nodeId, nodeToken } = await join('edge-events');
    await daemon.api.patch(`/cluster/nodes/${nodeId}`, { region: 'x' });
    await daemon.api.delete(`/cluster/nodes/${nodeId}`);
    const mine = events.filter(({ data }) => 'id' in data && data.id === nodeId);
    assert.deepEqual(
      mine.map((event) => [event.type, event.actor?.id.split(':')[0]]),
      [
        ['node.joined', 'node'],
        ['node.updated', 'token'],
        ['node.removed', 'token'],
      ],
    );
    const text = JSON.stringify(events);
    assert.ok(!text.includes(nodeToken) && !text.includes(TOKEN) && !text.includes('the-livekit-secret'));
  });
});

test('without a token clustering is off: 503 before all else, nodes still listed', async (t) => {
  const daemon = await testDaemon(t);
  for (const token of [null, TOKEN]) {
    const answer = await machine(daemon, token)('/cluster/join', '{broken');
    assert.equal(answer.status, 503);
    assert.equal(answer.body.error, 'cluster joining disabled (STREAMHUB_CLUSTER_TOKEN unset)');
  }
  const { data } = (await daemon.api.get('/cluster/info')).body;
  assert.deepEqual(
    [data.enabled, data.clusterToken, data.joinCommand, data.clusterRedisUrl, data.nodesCount],
    [false, '', '', null, 0],
  );
  assert.deepEqual((await daemon.api.get('/cluster/nodes')).body, { data: [], error: null });
});

test('an address that guesses tokens is not listened to for a while; nodes with a credential are', async (t) => {
  const daemon = await testDaemon(t, ENV);
  const { body } = await machine(daemon)('/cluster/join', { name: 'edge', ip: '203.0.113.1' });
  const statuses = new Set<number>();
  for (let i = 0; i < 30; i += 1) statuses.add((await machine(daemon, `guess-${i}`)('/cluster/join', {})).status);
  assert.deepEqual([...statuses], [401]);
  const limited = await machine(daemon)('/cluster/join', { name: 'edge', ip: '203.0.113.1' });
  assert.equal(limited.status, 429, 'even the right token, else guessing would go on');
  assert.ok(Number(limited.headers.get('retry-after')) > 0);
  const { nodeId, nodeToken } = body.data;
  assert.equal((await machine(daemon, nodeToken)('/cluster/heartbeat', { nodeId })).status, 200);
});

test('nodes, status, stats and settings outlive the daemon; a removed origin returns with a start only', async (t) => {
  const dataDir = await temporaryDir(t);
  const first = await testDaemon(t, ENV, { dataDir });
  const joined = (await machine(first)('/cluster/join', { name: 'edge', ip: '203.0.113.1', region: 'eu' })).body.data;
  await machine(first, joined.nodeToken)('/cluster/heartbeat', { nodeId: joined.nodeId, stats: { cpu: 0.5 } });
  await first.api.patch(`/cluster/nodes/${joined.nodeId}`, { status: 'draining' });
  await first.api.patch('/cluster/settings', { strategy: 'fewest-rooms' });
  await first.api.patch('/cluster/nodes/origin', { status: 'draining', region: 'home' });
  const before = (await first.api.get(`/cluster/nodes/${joined.nodeId}`)).body.data;
  await first.stop();

  const second = await testDaemon(t, ENV, { dataDir });
  assert.deepEqual((await second.api.get(`/cluster/nodes/${joined.nodeId}`)).body.data, before);
  assert.deepEqual((await second.api.get('/cluster/settings')).body.data, { strategy: 'fewest-rooms' });
  const origin = (await second.api.get('/cluster/nodes/origin')).body.data;
  assert.deepEqual([origin.status, origin.region], ['draining', 'home']);
  await second.api.patch('/cluster/nodes/origin', { name: 'home' });
  const over = await machine(second)('/cluster/join', { name: 'home', ip: '203.0.113.1' });
  assert.equal(over.status, 409, 'a renamed origin keeps its place too');
  const shared = await machine(second)('/cluster/heartbeat', { nodeId: joined.nodeId });
  assert.equal(shared.status, 401, 'the credential still counts as used');
  assert.equal((await second.api.delete('/cluster/nodes/origin')).status, 200);
  second.services.cluster.refreshOrigin({ url: '', stats: {}, livekit: null }, false);
  assert.equal((await second.api.get('/cluster/nodes/origin')).status, 404);
  await second.stop();

  const third = await testDaemon(t, ENV, { dataDir });
  assert.equal((await third.api.get('/cluster/nodes/origin')).body.data.status, 'active');
});

test('ten thousand nodes: listed whole, stored in batches, none lost', async (t) => {
  const dataDir = await temporaryDir(t);
  const daemon = await testDaemon(t, ENV, { dataDir });
  const { cluster, db } = daemon.services;
  db.transaction(() => {
    for (let i = 0; i < 10_000; i += 1) {
      const { answer } = cluster.join('shared', { name: `edge-${i}`, ip: '203.0.113.1' });
      cluster.heartbeat('shared', { nodeId: answer.nodeId, stats: { n: i } });
    }
  })();
  const { body } = await daemon.api.get('/cluster/nodes');
  assert.equal(body.data.length, 10_001);
  const seen = new Set(body.data.map((n: { stats: { n?: number } }) => n.stats.n));
  assert.equal(seen.size, 10_001, 'each with its own stats');
  await daemon.stop();
  const again = await testDaemon(t, ENV, { dataDir });
  const stored = (await again.api.get('/cluster/nodes')).body.data as { name: string; stats: { n?: number } }[];
  assert.equal(stored.filter((n) => n.name === `edge-${n.stats.n}`).length, 10_000);
});

test('a request log line never holds a token', async (t) => {
  const { daemonProcess } = await import('#test/helpers/daemon.ts');
  const daemon = await daemonProcess(t, await temporaryDir(t), { ...ENV, LOG_LEVEL: 'trace' });
  const { body } = await machine(daemon)('/cluster/join', { name: 'edge', ip: '203.0.113.1' });
  await machine(daemon, 'wrong-token-of-someone')('/cluster/join', { name: 'edge', ip: '203.0.113.1' });
  await machine(daemon, body.data.nodeToken)('/cluster/heartbeat', { nodeId: body.data.nodeId });
  const exited = once(daemon.child, 'exit');
  daemon.child.kill('SIGTERM');
  await exited;
  const text = daemon.stdout() + daemon.stderr();
  for (const secret of [TOKEN, body.data.nodeToken, 'the-livekit-secret', 'wrong-token-of-someone']) {
    assert.ok(!text.includes(secret), `${secret.slice(0, 6)}… in the log`);
  }
  assert.ok(text.includes('a wrong cluster token was sent'));
});
