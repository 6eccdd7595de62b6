// Two edge nodes with real agents and LiveKit servers on one Redis, and real participants.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import test, { after, before, describe } from 'node:test';
import { promisify } from 'node:util';
import { layoutOf, readJson } from '#daemon/edge/layout.ts';
import { isAlive, signal } from '#daemon/edge/process-table.ts';
import { nodeFigures } from '#shared/rules/measures.ts';
import type { ClusterNode } from '#shared/schema/cluster.ts';
import type { NodeQuality, NodesQuality } from '#shared/schema/quality.ts';
import { blockScope, TEST_TOKEN, type TestDaemon, testDaemon } from '#test/helpers/daemon.ts';
import { bundleAgent, type EdgeNode, edgeNode, untilNode } from '#test/helpers/edge-node.ts';
import { type Heard, readEvents } from '#test/helpers/event-reader.ts';
import { type LivekitServer, startLivekit } from '#test/helpers/livekit.ts';
import { disposeMedia, join } from '#test/helpers/participant.ts';
import { piped } from '#test/helpers/terminal.ts';
import { until } from '#test/helpers/until.ts';

const run = promisify(execFile);
const TOKEN = 'clt_0123456789abcdefghijklmnopqrstuv';
/** Agents report each second; one that a busy machine holds up for half of this gets no rooms in the meantime. */
const STALE_S = 10;
/** Some turns of the sweep of each second later: one turn may come late. */
const DOWN_S = 15;

const isSame = (a: object | null, b: object): boolean => JSON.stringify(a) === JSON.stringify(b);
const scope = blockScope();
const livekit = startLivekit(scope);
const skip = typeof livekit === 'string' ? livekit : false;

after(() => disposeMedia());

describe('draining and failing nodes', { skip }, () => {
  const server = livekit as LivekitServer;
  let daemon: TestDaemon;
  let one: EdgeNode;
  let two: EdgeNode;
  let bundle: string;

  /** LiveKit's own record of where a room lives. */
  const nodeOfRoom = async (room: string): Promise<string> => {
    const port = new URL(server.redisUrl).port;
    return (await run('redis-cli', ['-p', port, 'HGET', 'room_node_map', room])).stdout.trim();
  };
  const isRunning = (record: ClusterNode) =>
    record.agent?.livekit.state === 'running' && record.agent.livekit.nodeId !== null;
  const livekitId = async (node: EdgeNode) =>
    (await untilNode(daemon, node, 'running', isRunning)).agent?.livekit.nodeId as string;
  const roomOn = async (name: string, node: EdgeNode) => {
    await server.rooms.createRoom({ name, nodeId: await livekitId(node), emptyTimeout: 60 });
    assert.equal(await nodeOfRoom(name), await livekitId(node));
  };
  /** Ends all rooms; one whose last participant has left ends by itself in the meantime. */
  const noRooms = async () => {
    for (const { name } of await server.rooms.listRooms()) {
      await server.rooms.deleteRoom(name).catch((error: { status?: number }) => assert.equal(error.status, 404));
    }
  };
  const patch = async (node: EdgeNode, body: object) => {
    const answer = await daemon.api.patch(`/cluster/nodes/${node.id}`, body);
    assert.equal(answer.status, 200, answer.text);
    return answer.body.data as ClusterNode;
  };

  before(async () => {
    daemon = await testDaemon(scope, {
      ...server.env,
      STREAMHUB_CLUSTER_TOKEN: TOKEN,
      STREAMHUB_CLUSTER_REDIS_URL: server.redisUrl,
      STREAMHUB_CLUSTER_STALE_S: `${STALE_S}`,
      STREAMHUB_CLUSTER_DOWN_S: `${DOWN_S}`,
    });
    bundle = await bundleAgent(scope);
    [one, two] = await Promise.all([
      edgeNode(scope, daemon, bundle, { name: 'edge-one', token: TOKEN, region: 'eu' }),
      edgeNode(scope, daemon, bundle, { name: 'edge-two', token: TOKEN, region: 'us' }),
    ]);
  });

  test('an agent becomes another one at the operator’s word, and the old one continues when that one fails', async () => {
    await livekitId(one);
    const { agentFile } = daemon.services;
    const serve = (text: string): string => {
      const agent = Buffer.from(text);
      const sha256 = createHash('sha256').update(agent).digest('hex');
      agentFile.get = async () => ({ agent, sha256, script: '' });
      return sha256;
    };
    const upgrade = () => daemon.api.post(`/cluster/nodes/${one.id}/upgrade`);
    const [agent, server] = [one.agent(), one.livekit()];
    const newer = serve(`${await readFile(bundle, 'utf8')}\n// newer\n`);
    const asked = await upgrade();
    assert.deepEqual([asked.status, asked.body.data.sha256, asked.body.data.isCurrent], [202, newer, false]);
    await untilNode(daemon, one, 'running the new agent', (node) => node.agent?.sha256 === newer);
    await until('the old agent has ended', () => !isAlive(agent));
    assert.ok(isAlive(one.agent()) && isAlive(server), 'LiveKit continues');
    serve('process.exit(3);');
    assert.equal((await upgrade()).status, 202);
    const failed = await untilNode(daemon, one, 'back', (node) => node.agent?.upgradeProblem !== undefined);
    assert.equal(failed.agent?.sha256, newer);
    assert.match(failed.agent?.upgradeProblem?.reason ?? '', /ended before it could report/);
    assert.ok(isAlive(one.agent()) && isAlive(server));
    assert.equal((await daemon.api.post('/cluster/nodes/nobody/upgrade')).status, 404);

    // the old agent dies while it waits for one that ends: its guard brings it back
    const judge = one.agent();
    assert.ok(judge);
    const broken = serve('setTimeout(() => process.exit(3), 4000);');
    assert.equal((await upgrade()).status, 202);
    const noteOf = () => readJson<{ sha256: string; state: string }>(layoutOf(one.prefix).agentUpgrade);
    await until('the new one is tried', () => noteOf()?.sha256 === broken && !isSame(one.agent(), judge));
    signal(judge, 'SIGKILL');
    const back = await untilNode(
      daemon,
      one,
      'back again',
      (node) =>
        node.agent?.upgradeProblem !== undefined && node.agent.upgradeProblem.id !== failed.agent?.upgradeProblem?.id,
    );
    assert.equal(back.agent?.sha256, newer);
    assert.match(back.agent?.upgradeProblem?.reason ?? '', /ended before it could report/);
    assert.ok(isAlive(one.agent()) && isAlive(server) && !isAlive(judge));
    Reflect.deleteProperty(agentFile, 'get');
  });

  test('an agent reports the machine and its LiveKit', async (t) => {
    await roomOn('numbers', one);
    await roomOn('beside', two);
    const watched = async (node: EdgeNode, room: string) => {
      const people = await Promise.all(
        ['a', 'viewer'].map(async (name) => join(t, node.url, await server.token(room, name))),
      );
      await people[0]?.publish();
      return people;
    };
    const people = await watched(one, 'numbers');
    const others = await watched(two, 'beside');
    const record = await untilNode(daemon, one, 'counting its participant', (n) => {
      const live = (n.stats as { livekit?: { rxBytesPerSecond?: number; publishedTracks?: number } } | null)?.livekit;
      return n.agent?.livekit.participants === 2 && live?.publishedTracks === 1 && (live.rxBytesPerSecond ?? 0) > 0;
    });
    assert.equal(record.agent?.livekit.rooms, 1);
    assert.equal(record.agent?.livekit.url, one.url);
    const stats = record.stats as Record<string, unknown>;
    assert.equal(stats['role'], 'edge');
    for (const key of ['cores', 'loadavg1', 'cpu', 'memTotal', 'memFree', 'memUsedRatio', 'uptimeSeconds']) {
      assert.equal(typeof stats[key], 'number', key);
    }
    assert.ok(stats['disk'] && stats['net'], 'disk and network');
    assert.ok(JSON.stringify(stats).length < 4096);

    // LiveKit measures its tracks every few seconds
    for (const node of [one, two]) {
      const measured = await untilNode(daemon, node, 'measuring its quality', (n) => {
        const { score, rtt, forward, lossIn, lossOut, jitter, nack, pli } = nodeFigures(n.stats);
        return [score, rtt, forward, lossIn, lossOut, jitter, nack, pli].every((figure) => figure !== undefined);
      });
      const { score = 0 } = nodeFigures(measured.stats);
      assert.ok(score >= 1 && score <= 4.5, `${score}`);
    }
    await daemon.services.history.look();
    for (const someone of [...people, ...others]) await someone.leave();
    await untilNode(daemon, one, 'empty', (n) => n.agent?.livekit.participants === 0);
  });

  test('LiveKit’s settings reach the nodes, one after the other', async () => {
    await noRooms();
    const before = [one.livekit()?.pid, two.livekit()?.pid];
    const text = 'room: {max_participants: 77}\n';
    const put = await daemon.api.put('/livekit/settings', { text, rollOut: 'drain' });
    assert.equal(put.status, 200, put.text);
    const targets = async (): Promise<{ name: string; runs: number | null; isPending: boolean }[]> =>
      (await daemon.api.get('/livekit/settings')).body.data.targets;
    assert.deepEqual(
      (await targets()).map(({ name }) => name),
      ['edge-one', 'edge-two'],
    );
    const done = await until('both run with it', async () => {
      const now = await targets();
      // never both at the same time
      assert.ok(
        now.some(({ runs }) => runs !== null),
        JSON.stringify(now),
      );
      return now.every(({ runs, isPending }) => runs === 1 && !isPending) ? now : undefined;
    });
    assert.equal(done.length, 2);
    for (const [index, node] of [one, two].entries()) {
      assert.notEqual(node.livekit()?.pid, before[index]);
      assert.match(readFileSync(layoutOf(node.prefix).livekitConfig, 'utf8'), /max_participants: 77\n/);
      await untilNode(daemon, node, 'running', isRunning);
    }
    // back, at the next start of each
    assert.equal((await daemon.api.put('/livekit/settings', { text: '' })).body.data.revision, 2);
    await until('both have written it', () =>
      [one, two].every(
        ({ prefix }) => !readFileSync(layoutOf(prefix).livekitConfig, 'utf8').includes('max_participants'),
      ),
    );
    assert.deepEqual(
      (await targets()).map(({ runs, isPending }) => [runs, isPending]),
      [
        [1, true],
        [1, true],
      ],
    );
  });

  test('the preview agrees with where rooms land, under every strategy', async () => {
    await Promise.all([livekitId(one), livekitId(two)]);
    const shown = (await daemon.api.get('/cluster/placement')).body.data;
    assert.deepEqual(shown.nodes.map((n: { name: string; eligible: boolean }) => [n.name, n.eligible]).sort(), [
      ['edge-one', true],
      ['edge-two', true],
      ['origin', false],
    ]);
    for (const strategy of ['fewest-rooms', 'spread', 'same-region', 'least-load']) {
      await daemon.api.patch('/cluster/settings', { strategy });
      for (let i = 0; i < 3; i += 1) {
        const { placement } = daemon.services.cluster;
        const options = strategy === 'same-region' ? { region: 'us' } : {};
        const name = `placed-${strategy}-${i}`;
        // in one go: a report in between may rightly change the order
        const preview = placement.preview(options);
        const choice = placement.choose(name, options);
        assert.equal(choice.node?.id, preview.next?.id);
        assert.equal(choice.address, preview.next?.address);
        // unless this machine is so busy that the node counts as full
        if (strategy === 'same-region' && !/nearly full/.test(JSON.stringify(preview.nodes))) {
          assert.equal(choice.node?.name, 'edge-two');
        }
        await server.rooms.createRoom({ name, nodeId: choice.livekitNodeId as string });
        assert.equal(await nodeOfRoom(name), choice.livekitNodeId, `${name} is where the preview said`);
      }
    }
    await noRooms();
  });

  test('a room that several ask for at the same time is placed once', async () => {
    const ask = () => daemon.api.post('/apps/live/tokens', { room: 'rush' });
    const answers = await Promise.all(Array.from({ length: 8 }, ask));
    const nodes = answers.flatMap(({ body }) => body.data.node ?? []);
    assert.equal(nodes.length, 1, nodes.join());
    const placed = nodes[0] === 'edge-one' ? one : two;
    assert.equal(await nodeOfRoom('live-rush'), await livekitId(placed));
    await noRooms();
  });

  test('the command line shows the placement, updates an agent, and waits until a node is empty', async (t) => {
    const env = { STREAMHUB_URL: daemon.url, STREAMHUB_TOKEN: TEST_TOKEN };
    const shows = async (args: string, text: RegExp): Promise<void> => {
      const { code, out, err } = await piped(args.split(' '), env);
      assert.equal(code, 0, err);
      assert.match(out, text);
    };
    await roomOn('resident', two);
    await join(t, two.url, await server.token('resident', 'someone'));
    await shows('nodes placement', /edge-two/);
    await shows('nodes upgrade edge-two --json', /"isCurrent": (?:true|false)/);
    const early = await piped('drain edge-two --wait --timeout 1s'.split(' '), env);
    assert.equal(early.code, 1, early.out);
    assert.match(early.err, /edge-two isn’t drained yet\. ./);
    await shows('drain edge-two --wait --end-rooms-after 0s --yes', /edge-two is drained\./);
    assert.equal(two.livekit(), null);
    await shows('nodes activate edge-two', /edge-two is active\./);
    await livekitId(two);
  });

  test('a drain goes in steps, ends with the process, and is taken back', async (t) => {
    await roomOn('live', one);
    await roomOn('elsewhere', two);
    const resident = await join(t, one.url, await server.token('live', 'resident'));
    await resident.publish();
    const guest = await join(t, one.url, await server.token('elsewhere', 'guest'));
    await untilNode(daemon, one, 'seeing its guest', (n) => n.agent?.livekit.foreignClients === 1);
    const mark = one.livekit();

    const first = await patch(one, { status: 'draining' });
    assert.equal(first.status, 'draining');
    assert.deepEqual([first.drain?.phase, first.drain?.managed, first.drain?.drained], ['requested', true, false]);
    const preview = (await daemon.api.get('/cluster/placement')).body.data;
    assert.equal(preview.next.name, 'edge-two');
    assert.equal(preview.nodes.find((n: { name: string }) => n.name === 'edge-one').reason, 'is draining');
    for (let i = 0; i < 4; i += 1)
      assert.equal(daemon.services.cluster.placement.choose(`x${i}`).node?.name, 'edge-two');
    assert.equal(daemon.services.cluster.placement.entryAddress(), two.url);

    // step 1: nobody is told to leave while someone's signalling would be cut off
    const waiting = await untilNode(daemon, one, 'waiting for clients', (n) => n.drain?.phase === 'clients');
    assert.equal(waiting.drain?.clients, 1);
    assert.equal(waiting.agent?.livekit.state, 'running');
    await guest.leave();

    // step 2: LiveKit leaves: no new rooms, those it has go on
    const leaving = await untilNode(daemon, one, 'emptying its rooms', (n) => n.drain?.phase === 'rooms');
    assert.deepEqual([leaving.drain?.clients, leaving.drain?.rooms, leaving.drain?.participants], [0, 1, 1]);
    const oneId = leaving.agent?.livekit.nodeId as string;
    for (let i = 0; i < 6; i += 1) {
      await server.rooms.createRoom({ name: `new-${i}` });
      assert.notEqual(await nodeOfRoom(`new-${i}`), oneId, 'LiveKit itself places nothing there');
    }
    const late = await join(t, one.url, await server.token('live', 'late'));
    await untilNode(daemon, one, 'counting up', (n) => n.drain?.participants === 2);
    assert.ok(resident.room.isConnected && isAlive(mark));
    await late.leave();
    await untilNode(daemon, one, 'counting down', (n) => n.drain?.participants === 1);

    // step 3: gone with its last participant
    let aliveWhenDrained: boolean | undefined;
    const done = untilNode(daemon, one, 'drained', (n) => {
      if (n.drain?.drained !== true) return false;
      aliveWhenDrained ??= isAlive(mark);
      return true;
    });
    await resident.leave();
    const drained = await done;
    assert.equal(aliveWhenDrained, false, 'it is called drained only after the process left');
    assert.equal(drained.status, 'draining');
    assert.equal(drained.agent?.livekit.state, 'stopped');
    assert.match(drained.drain?.drained_at ?? '', /Z$/);
    assert.equal(drained.stale, false, 'its agent goes on reporting');

    await patch(one, { status: 'active' });
    const back = await untilNode(daemon, one, 'back', isRunning);
    assert.notEqual(back.agent?.livekit.nodeId, oneId);
    assert.equal(back.drain, null);
    await roomOn('after', one);
    await noRooms();
  });

  // two nodes, two stories that do not meet
  describe('meanwhile', { concurrency: 2 }, () => {
    test('the agent is killed in the middle of a drain, comes back, and ends the rooms when the operator says so', async (t) => {
      await roomOn('survives', one);
      const someone = await join(t, one.url, await server.token('survives', 'a'));
      await untilNode(daemon, one, 'hosting', (n) => n.agent?.livekit.participants === 1);
      const url = `/cluster/nodes/${one.id}`;
      const refused = await daemon.api.patch(url, { status: 'draining', drain: { endRoomsAfterSeconds: 0 } });
      assert.equal(refused.status, 400);
      assert.equal(refused.body.code, 'DRAIN_CONFIRMATION_REQUIRED');
      assert.equal((await one.record()).status, 'active', 'nothing changed');
      assert.equal((await daemon.api.patch(url, { drain: { endRoomsAfterSeconds: 5, confirm: true } })).status, 400);

      await patch(one, { status: 'draining' });
      await untilNode(daemon, one, 'emptying its rooms', (n) => n.drain?.phase === 'rooms');
      const mark = one.livekit();
      const agent = one.agent();
      assert.ok(mark && agent);
      signal(agent, 'SIGKILL');
      await untilNode(daemon, one, 'stale', (n) => n.health === 'stale');
      const down = await untilNode(daemon, one, 'down', (n) => n.health === 'down');
      assert.equal(down.drain?.phase, 'rooms', 'what it said last is kept, and called old');
      assert.match(down.drain?.note ?? '', /isn’t reporting/);
      assert.ok(isAlive(mark) && someone.room.isConnected);

      one.startAgent();
      const again = await untilNode(daemon, one, 'reporting', (n) => n.health === 'alive');
      assert.equal(again.drain?.phase, 'rooms');
      assert.deepEqual(one.livekit(), mark, 'the same process');
      await untilNode(daemon, one, 'counting', (n) => n.drain?.participants === 1);
      assert.ok(isAlive(mark) && someone.room.isConnected, 'no second signal was sent');

      await patch(one, { status: 'draining', drain: { endRoomsAfterSeconds: 0, confirm: true } });
      const drained = await untilNode(daemon, one, 'drained', (n) => n.drain?.drained === true);
      assert.ok(drained.drain?.ends_rooms_at);
      assert.equal(isAlive(mark), false);
      await patch(one, { status: 'active' });
      await untilNode(daemon, one, 'back', isRunning);
      await someone.leave();
    });

    test('disabled, LiveKit killed, the whole node killed, removed', async (t) => {
      await t.test('disabled stops LiveKit at once; the same node comes back when active', async () => {
        await patch(two, { status: 'disabled' });
        await untilNode(daemon, two, 'stopped', (n) => n.agent?.livekit.state === 'stopped');
        assert.equal((await two.record()).drain, null);
        await patch(two, { status: 'active' });
        await untilNode(daemon, two, 'back', isRunning);
      });

      await t.test('LiveKit killed: the agent starts it again', async () => {
        const before = await livekitId(two);
        const mark = two.livekit();
        assert.ok(mark);
        signal(mark, 'SIGKILL');
        await untilNode(daemon, two, 'started again', (n) => isRunning(n) && n.agent?.livekit.nodeId !== before);
      });

      await t.test(
        'kill -9 of the whole node: stale, then down, each announced once; it comes back as it is to be',
        async (t) => {
          const events = await readEvents(t, daemon.url, daemon.token, { query: '?topics=nodes' });
          await events.next('hello');
          const [agent, mark] = [two.agent(), two.livekit()];
          assert.ok(agent && mark);
          const before = await livekitId(two);
          signal(agent, 'SIGKILL');
          signal(mark, 'SIGKILL');
          const ofTwo = (type: string) => (m: Heard) => m.event === type && m.data.data.id === two.id;
          await events.next(ofTwo('node.stale'));
          const silent = await two.record();
          assert.deepEqual([silent.stale, silent.status], [true, 'active']);
          const shown = (await daemon.api.get('/cluster/placement')).body.data;
          const candidate = shown.nodes.find((n: { name: string }) => n.name === 'edge-two');
          assert.deepEqual([candidate.eligible, candidate.reason], [false, 'has not reported recently']);
          await events.next(ofTwo('node.down'));
          const seenAt = Date.parse((await two.record()).last_seen_at as string);
          // the bound is DOWN_S and the sweep of each second; the rest is what a busy machine takes
          assert.ok(Date.now() - seenAt < (DOWN_S + 10) * 1000);
          // decided while it was away: it asks before it starts anything
          await patch(two, { status: 'disabled' });
          two.startAgent();
          await events.next(ofTwo('node.alive'));
          await untilNode(daemon, two, 'staying off', (n) => n.agent?.livekit.state === 'stopped');
          assert.equal(two.livekit(), null);
          assert.equal(isAlive(mark), false);
          await patch(two, { status: 'active' });
          await untilNode(daemon, two, 'back', (n) => isRunning(n) && n.agent?.livekit.nodeId !== before);
          const own = events.heard.filter((m) => m.data.data?.id === two.id).map((m) => m.event);
          for (const type of ['node.stale', 'node.down', 'node.alive'])
            assert.equal(own.filter((event) => event === type).length, 1, type);
        },
      );

      await t.test('the quality of both is kept, side by side', async () => {
        const compare = async (): Promise<NodesQuality> =>
          (await daemon.api.get('/cluster/quality?minutes=720&measure=rtt')).body.data;
        const both = await until('the minutes are written', async () => {
          const { nodes } = await compare();
          const edges = nodes.filter(({ name }) => name.startsWith('edge-'));
          const isWritten = edges.length === 2 && edges.every(({ means }) => means.score !== undefined);
          return isWritten ? edges : undefined;
        });
        for (const { id, means, line } of both) {
          assert.ok((means.tx ?? 0) > 0 && (means.forward ?? 0) > 0, JSON.stringify(means));
          assert.equal(line.length, 144);
          assert.ok(line.some((value) => value !== null));
          const { lines } = (await daemon.api.get(`/cluster/nodes/${id}/quality?minutes=720`)).body.data as NodeQuality;
          assert.deepEqual(lines.rtt, line);
        }
      });

      await t.test('a removed node leaves in order and does not come back', async () => {
        const [agent, mark] = [two.agent(), two.livekit()];
        assert.ok(agent && mark);
        assert.equal((await daemon.api.delete(`/cluster/nodes/${two.id}`)).status, 200);
        await until('the agent has ended', () => !isAlive(agent), { every: 100 });
        assert.equal(isAlive(mark), false);
        assert.match(two.agentLog(), /was removed from the cluster/);
        assert.equal((await daemon.api.get(`/cluster/nodes/${two.id}`)).status, 404);
      });
    });
  });
});
