// LiveKit's settings and keys on their way to two nodes with real agents and LiveKit servers, while the daemon or a node is killed.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { AccessToken, RoomServiceClient } from 'livekit-server-sdk';
import { parse } from 'yaml';
import { layoutOf } from '#daemon/edge/layout.ts';
import { isAlive, signal } from '#daemon/edge/process-table.ts';
import type { ClusterNode } from '#shared/schema/cluster.ts';
import type { LiveKitOwnSettings } from '#shared/schema/livekit.ts';
import { blockScope, type DaemonProcess, daemonProcess } from '#test/helpers/daemon.ts';
import { bundleAgent, type EdgeNode, edgeNode } from '#test/helpers/edge-node.ts';
import { type LivekitServer, startLivekit } from '#test/helpers/livekit.ts';
import { disposeMedia, join, type Participant } from '#test/helpers/participant.ts';
import { freePort } from '#test/helpers/server-scripts.ts';
import { until } from '#test/helpers/until.ts';

const TOKEN = 'clt_0123456789abcdefghijklmnopqrstuv';
const scope = blockScope();
const livekit = startLivekit(scope);

after(() => disposeMedia());

describe('roll-outs', { skip: typeof livekit === 'string' ? livekit : false }, () => {
  const server = livekit as LivekitServer;
  const dataDir = mkdtempSync(path.join(os.tmpdir(), 'streamhub-roll-out-'));
  let daemon: DaemonProcess;
  let env: Record<string, string>;
  let nodes: [EdgeNode, EdgeNode];

  const start = async (): Promise<void> => {
    daemon = await daemonProcess(scope, dataDir, env);
  };
  const settings = async (): Promise<LiveKitOwnSettings> => (await daemon.api.get('/livekit/settings')).body.data;
  const record = async ({ id }: EdgeNode): Promise<ClusterNode> =>
    (await daemon.api.get(`/cluster/nodes/${id}`)).body.data;
  const stateOf = async (node: EdgeNode) => (await record(node)).agent?.livekit.state;
  const starts = () => nodes.map((node) => node.agentLog().split('LiveKit started (process').length - 1);
  const configOf = ({ prefix }: EdgeNode) => readFileSync(layoutOf(prefix).livekitConfig, 'utf8');
  const put = async (text: string): Promise<void> => {
    const answer = await daemon.api.put('/livekit/settings', { text, rollOut: 'drain' });
    assert.equal(answer.status, 200, answer.text);
  };
  const untilAllRun = (revision: number) =>
    until(`all run with revision ${revision}`, async () => {
      const { targets } = await settings();
      const isDone = targets.every(
        ({ runs, isPending, problem }) => runs === revision && !isPending && problem === null,
      );
      return targets.length === 2 && isDone;
    });
  const pairs = (node: EdgeNode): [string, string][] => Object.entries(parse(configOf(node)).keys);
  const roomsOf = ({ url }: EdgeNode, [key, secret]: readonly [string, string]) =>
    new RoomServiceClient(url.replace(/^ws/, 'http'), key, secret);
  const accepts = (node: EdgeNode, pair: readonly [string, string]) =>
    roomsOf(node, pair)
      .listRooms()
      .then(
        () => true,
        () => false,
      );
  const old = [server.apiKey, server.apiSecret] as const;
  /** Someone in a room on this node. */
  const enter = async (t: { after(fn: () => unknown): void }, node: EdgeNode, pair = old): Promise<Participant> => {
    const nodeId = await until('it runs', async () => {
      const found = (await record(node)).agent?.livekit;
      return found?.state === 'running' ? found.nodeId : undefined;
    });
    const room = `on-${nodeId}`;
    await roomsOf(node, pair).createRoom({ name: room, nodeId, departureTimeout: 1 });
    const token = new AccessToken(...pair, { identity: 'ana' });
    token.addGrant({ roomJoin: true, room });
    const someone = await join(t, node.url, await token.toJwt());
    await until('it is counted', async () => (await record(node)).agent?.livekit.participants === 1);
    return someone;
  };

  before(async () => {
    scope.after(() => rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 }));
    env = {
      PORT: String(await freePort()),
      STREAMHUB_CLUSTER_TOKEN: TOKEN,
      STREAMHUB_CLUSTER_REDIS_URL: server.redisUrl,
      STREAMHUB_CLUSTER_STALE_S: '10',
      STREAMHUB_CLUSTER_DOWN_S: '11',
      LOG_LEVEL: 'debug',
    };
    await start();
    const values = { LIVEKIT_URL: server.url, LIVEKIT_API_KEY: old[0], LIVEKIT_API_SECRET: old[1] };
    assert.equal((await daemon.api.patch('/system/settings', { values })).status, 200);
    const bundle = await bundleAgent(scope);
    const join = (name: string) => edgeNode(scope, daemon, bundle, { name, token: TOKEN });
    nodes = await Promise.all([join('edge-one'), join('edge-two')]);
    for (const node of nodes) await until('it runs', async () => (await stateOf(node)) === 'running');
  });

  test('the daemon is killed in the middle: it goes on, with no node twice and none forgotten', async (t) => {
    const [one, two] = nodes;
    const ana = await enter(t, one);
    const counted = starts();
    await put('room: {max_participants: 71}\n');
    await until('the first node waits for its room', async () => (await stateOf(one)) === 'draining');
    await daemon.end('SIGKILL');
    assert.equal(ana.room.isConnected, true);
    assert.doesNotMatch(configOf(two), /max_participants/);
    await start();
    await until('the first node reports again', async () => (await record(one)).health === 'alive');
    assert.equal(ana.room.isConnected, true, 'it is not ended by the restart');
    await ana.leave();
    await untilAllRun(1);
    assert.deepEqual(
      starts(),
      counted.map((count) => count + 1),
      'each was started once more',
    );
    for (const node of nodes) assert.match(configOf(node), /max_participants: 71/);
  });

  test('a node that dies in the middle holds up the others; a restored revision frees them, and it when it is back', async (t) => {
    const [one, two] = nodes;
    await enter(t, one);
    await put('room: {max_participants: 72}\n');
    await until('the first node waits for its room', async () => (await stateOf(one)) === 'draining');
    const [agent, mark, before] = [one.agent(), one.livekit(), two.livekit()];
    assert.ok(agent && mark);
    signal(agent, 'SIGKILL');
    signal(mark, 'SIGKILL');
    const targetOf = async (node: EdgeNode) => (await settings()).targets.find(({ name }) => name === node.name);
    await until('it is told', async () => /the other nodes wait/.test((await targetOf(one))?.problem ?? ''));
    assert.deepEqual(await targetOf(two), { name: 'edge-two', runs: 1, isPending: true, problem: null });
    assert.deepEqual(two.livekit(), before);
    assert.ok(isAlive(before));

    const restored = await daemon.api.post('/livekit/settings/restore', { revision: 1, rollOut: 'drain' });
    assert.equal(restored.body.data.revision, 3);
    await until('the other one goes on', async () => {
      const { runs, isPending } = (await targetOf(two)) as LiveKitOwnSettings['targets'][number];
      return runs === 3 && !isPending;
    });
    one.startAgent();
    await untilAllRun(3);
    for (const node of nodes) assert.match(configOf(node), /max_participants: 71/);
  });

  test('keys are rotated on nodes without ending a room', async (t) => {
    const [one, two] = nodes;
    const ana = await enter(t, one);
    const rotated = await daemon.api.post('/livekit/keys/rotate', { rollOut: 'drain' });
    assert.equal(rotated.body.data?.keys, 'adding', rotated.text);
    await until('the first node waits for its room', async () => (await stateOf(one)) === 'draining');
    assert.deepEqual((await settings()).keysWaitFor, ['edge-one', 'edge-two']);
    assert.equal(ana.room.isConnected, true);
    await ana.leave();
    // that LiveKit is none of the nodes
    await until('the nodes have both', async () => (await settings()).keysWaitFor.join() === 'LIVEKIT_URL');
    const next = pairs(one).find(([key]) => key !== old[0]) as [string, string];
    assert.ok(next);
    assert.equal((await daemon.api.patch('/system/settings', { values: { LIVEKIT_URL: two.url } })).status, 200);
    const both = await until('the daemon changed its key', async () => {
      const now = await settings();
      return now.keys === 'both' ? now : undefined;
    });
    assert.ok(Date.parse(both.oldKeyNeededUntil ?? '') > Date.now());
    for (const node of nodes)
      assert.deepEqual([await accepts(node, old), await accepts(node, next)], [true, true], node.name);
    const issued = await daemon.api.post('/apps/live/tokens', { room: 'stage', identity: 'eve' });
    assert.equal(issued.status, 201, issued.text);
    const claims = JSON.parse(Buffer.from(issued.body.data.token.split('.')[1], 'base64url').toString());
    assert.equal(claims.iss, next[0]);
    // a room that began with the old key continues while the key is removed
    const bob = await enter(t, two, old);
    assert.equal((await daemon.api.post('/livekit/keys/retire', { rollOut: 'drain' })).body.data.keys, 'one');
    await until('the last node waits for its room', async () => (await stateOf(two)) === 'draining');
    assert.equal(bob.room.isConnected, true);
    await bob.leave();
    await untilAllRun(3);
    for (const node of nodes)
      assert.deepEqual([await accepts(node, old), await accepts(node, next)], [false, true], node.name);

    // nobody is told the secret
    const answers = await Promise.all(
      ['/livekit/settings', '/cluster/nodes', '/system/settings', '/logs?limit=500', '/audit'].map((url) =>
        daemon.api.get(url),
      ),
    );
    const told = [
      ...answers.map(({ text }) => text),
      daemon.stdout(),
      daemon.stderr(),
      ...nodes.map((n) => n.agentLog()),
    ];
    assert.ok(!told.join('\n').includes(next[1]));
  });
});
