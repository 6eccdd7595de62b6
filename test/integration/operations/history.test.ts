import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { Value } from 'typebox/value';
import { HistoryService } from '#daemon/operations/history/service.ts';
import { openDatabase } from '#daemon/platform/db/open.ts';
import { LoadHistory, NodeHistories } from '#shared/schema/history.ts';
import { testBackground } from '#test/helpers/background.ts';
import { ManualClock } from '#test/helpers/clock.ts';
import { temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { nodeHistory } from '#test/helpers/node-history.ts';

const MINUTE = 60_000;
const START = Math.floor(Date.parse('2026-03-01T12:00:00Z') / MINUTE) * MINUTE;
const CLUSTER_TOKEN = 'clt_0123456789abcdefghijklmnopqrstuv';

type Stats = Parameters<NonNullable<ConstructorParameters<typeof HistoryService>[0]['stats']>>;

/** The service with a clock of the test's own and figures that the test sets. */
async function keeper(t: { after(fn: () => unknown): void }, dir?: string) {
  const folder = dir ?? (await temporaryDir(t));
  const world = {
    clock: new ManualClock(START),
    load: 1,
    nodes: [] as { id: string; seenAt: number | null; statsJson: string | null }[],
    warnings: [] as object[],
  };
  const history = new HistoryService({
    background: testBackground(),

    file: path.join(folder, 'history.db'),
    clock: world.clock,
    nodes: () => world.nodes,
    stats: (..._: Stats) =>
      ({
        cpu: { loadAvg: [world.load, 0, 0], cores: 2 },
        memory: { totalBytes: 100, freeBytes: 60, usedBytes: 40 },
        disk: null,
        livekitReachable: false,
        counts: { apps: 1, rooms: 0, activeStreams: 3 },
      }) as never,
    log: { warn: (data) => void world.warnings.push(data) },
  });
  history.start();
  t.after(() => history.stop());
  return { history, world, folder };
}

const linesOf = (history: HistoryService, id: string) => [...history.nodes(1, id).nodes][0]?.lines;

describe('the load over time', () => {
  it('is a mean a minute, with nothing where nothing was heard', async (t) => {
    const { history, world } = await keeper(t);
    await history.look();
    world.load = 0.5;
    await history.look();
    world.clock.advance(MINUTE);
    await history.look();
    world.clock.advance(3 * MINUTE);
    await history.look();
    const told = history.server(4);
    assert.ok(Value.Check(LoadHistory, told), JSON.stringify([...Value.Errors(LoadHistory, told)]));
    assert.equal(told.stepSeconds, 60);
    assert.equal(told.from, new Date(START).toISOString());
    assert.deepEqual(told.lines.cpu, [0.375, 0.25, null, null]);
    assert.deepEqual(told.lines.streams, [3, 3, null, null]);
    assert.equal(told.lines.disk, undefined, 'what was never told is absent');
    assert.equal(told.lines.rooms, undefined, 'rooms of a LiveKit that does not answer are unknown');
  });

  it('leaves out what no machine can be at, and keeps the figures of the others', async (t) => {
    const { history, world } = await keeper(t);
    const net = { txBytesPerSecond: 1e308, rxBytesPerSecond: -5e12 };
    const odd = { cpu: 0.2, memUsedRatio: -3, net, livekit: { rooms: -2 } };
    world.nodes = [{ id: 'odd', seenAt: START, statsJson: JSON.stringify(odd) }];
    await history.look();
    world.clock.advance(MINUTE);
    await history.look();
    assert.deepEqual(linesOf(history, 'odd'), { cpu: [0.2] });
    assert.deepEqual(history.traffic(0, 1e6), []);
  });

  it('drops a row that the file rejects, and names it', async (t) => {
    const { history, world, folder } = await keeper(t);
    const node = (id: string) => ({
      id,
      seenAt: world.clock.now(),
      statsJson: JSON.stringify({ net: { txBytesPerSecond: 1, rxBytesPerSecond: 1 } }),
    });
    world.nodes = [node('damaged'), node('sound')];
    await history.look();
    const db = openDatabase(path.join(folder, 'history.db'));
    db.exec(`CREATE TRIGGER refuse BEFORE INSERT ON samples WHEN new.subject = 'damaged'
             BEGIN SELECT RAISE(ABORT, 'refused'); END`);
    db.close();
    world.clock.advance(MINUTE);
    await history.look();
    assert.deepEqual(world.warnings, [{ subject: 'damaged', minute: START / MINUTE }]);
    assert.deepEqual(linesOf(history, 'sound')?.tx, [1]);
  });

  it('holds each heartbeat once, and a gap while a node is silent', async (t) => {
    const { history, world } = await keeper(t);
    const node = {
      id: 'n1',
      seenAt: START as number | null,
      statsJson: JSON.stringify({ cpu: 0.2, livekit: { rooms: 4 } }),
    };
    world.nodes = [node, { id: 'n2', seenAt: null, statsJson: null }];
    await history.look();
    await history.look();
    world.clock.advance(MINUTE);
    await history.look();
    world.clock.advance(MINUTE);
    Object.assign(node, {
      seenAt: world.clock.now(),
      statsJson: JSON.stringify({ cpu: 'much', livekit: { rooms: 6 } }),
    });
    await history.look();
    world.clock.advance(MINUTE);
    await history.look();
    const told = { ...history.nodes(3), nodes: [...history.nodes(3).nodes] };
    assert.ok(Value.Check(NodeHistories, told));
    assert.deepEqual(told.nodes, [{ id: 'n1', lines: { cpu: [0.2, null, null], rooms: [4, null, 6] } }]);
    assert.deepEqual([...history.nodes(3, 'n2').nodes], []);
  });

  it('keeps how well media travels beside it, without what no node can measure', async (t) => {
    const { history, world } = await keeper(t);
    const quality = { score: 4.1, lossIn: 101, lossOut: -1, rtt: 'slow', jitter: 12, other: 1 };
    const node = {
      id: 'n1',
      seenAt: START as number | null,
      statsJson: JSON.stringify({ cpu: 0.2, livekit: { quality, forwardLatencyMs: 3 } }),
    };
    world.nodes = [node];
    await history.look();
    world.clock.advance(MINUTE);
    await history.look();
    // it still reports, and nobody is connected
    Object.assign(node, { seenAt: world.clock.now(), statsJson: JSON.stringify({ cpu: 0.4, livekit: {} }) });
    await history.look();
    world.clock.advance(MINUTE);
    await history.look();
    const told = history.lines(['score', 'lossIn', 'lossOut', 'rtt', 'jitter', 'forward', 'cpu'], 2, 'n1');
    assert.deepEqual(told.lines, { score: [4.1, null], jitter: [12, null], forward: [3, null], cpu: [0.2, 0.4] });
    assert.deepEqual(
      [...history.nodes(2).nodes][0]?.lines,
      { cpu: [0.2, 0.4] },
      'the history of load has its own lines',
    );
  });

  it('is coarser beyond six hours, outlives a restart, and is forgotten after a day', async (t) => {
    const first = await keeper(t);
    await first.history.look();
    await first.history.stop();
    const { history, world } = await keeper(t, first.folder);
    world.clock.advance(10 * MINUTE);
    await history.look();
    world.clock.advance(MINUTE);
    await history.look();
    const told = history.server(24 * 60);
    assert.equal(told.stepSeconds, 300);
    assert.equal(told.lines.cpu?.length, 288);
    assert.equal(told.lines.cpu?.filter((value) => value !== null).length, 2);
    world.clock.advance(24 * 60 * MINUTE);
    await history.look();
    world.clock.advance(MINUTE);
    await history.look();
    assert.equal(history.server(24 * 60).lines.cpu?.filter((value) => value !== null).length, 1);
  });

  it('begins anew when its file is damaged', async (t) => {
    const folder = await temporaryDir(t);
    await writeFile(path.join(folder, 'history.db'), 'no database'.repeat(1000));
    const { history, world } = await keeper(t, folder);
    await history.look();
    assert.equal(world.warnings.length, 1);
    assert.equal(history.server(5).lines.cpu, undefined);
  });

  it('is asked for over HTTP', async (t) => {
    const { api, dataDir, services } = await testDaemon(t, { STREAMHUB_CLUSTER_TOKEN: CLUSTER_TOKEN });
    const joined = await api
      .as(null)
      .post('/cluster/join', { name: 'edge-1', ip: '203.0.113.1' }, { 'x-cluster-token': CLUSTER_TOKEN });
    const { nodeId, nodeToken } = joined.body.data;
    await api.as(null).post('/cluster/heartbeat', { nodeId, stats: { cpu: 0.5 } }, { 'x-cluster-token': nodeToken });
    await services.history.look();
    const server = await api.get('/stats/history?minutes=15');
    assert.equal(server.status, 200);
    assert.ok(Value.Check(LoadHistory, server.body.data));
    const now = Math.floor(Date.now() / MINUTE);
    const file = nodeHistory(dataDir);
    const many = Array.from({ length: 300 }, (_, n) => `many-${String(n).padStart(3, '0')}`);
    for (const ago of [1, 2])
      file.write(...many.map((subject) => ({ subject, minute: now - ago, cpu: 0.25, rooms: ago })));
    file.close();
    const one = await api.get('/cluster/history?node=many-007');
    assert.ok(Value.Check(NodeHistories, one.body.data), one.text);
    assert.deepEqual(
      one.body.data.nodes.map(({ id }: { id: string }) => id),
      ['many-007'],
    );
    // this is longer than what is sent as one piece
    const all = await api.get('/cluster/history?minutes=1440');
    assert.deepEqual(Object.keys(all.body), ['data', 'error']);
    assert.ok(Value.Check(NodeHistories, all.body.data));
    const found = new Map<string, any>(all.body.data.nodes.map((node: any) => [node.id, node.lines]));
    assert.ok(!found.has('server'));
    for (const id of many) assert.ok(found.get(id)?.cpu.includes(0.25), id);
    assert.equal((await api.get(`/cluster/history?node=${nodeId}`)).status, 200);
    const compared = await api.get('/cluster/quality?minutes=15&measure=rtt');
    assert.deepEqual([compared.body.data.measure, compared.body.data.nodes.length <= 2], ['rtt', true], compared.text);
    assert.equal((await api.get(`/cluster/nodes/${nodeId}/quality`)).body.data.name, 'edge-1');
    assert.equal((await api.get('/cluster/nodes/nobody/quality')).body.code, 'NODE_NOT_FOUND');
    assert.equal((await api.get('/cluster/quality?measure=luck')).status, 400);
    for (const minutes of ['0', '1441', 'x']) {
      const refused = await api.get(`/stats/history?minutes=${minutes}`);
      assert.equal(refused.status, 400);
      assert.match(refused.body.message, /minutes/);
    }
    assert.equal((await api.as(null).get('/stats/history')).status, 401);
  });
});
