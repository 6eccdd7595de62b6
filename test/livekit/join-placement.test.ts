// Two LiveKit servers on one Redis: a join token or an ingest puts a new room on the node that the preview names.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { testDaemon } from '#test/helpers/daemon.ts';
import { type LivekitServer, startLivekit } from '#test/helpers/livekit.ts';
import { disposeMedia, join } from '#test/helpers/participant.ts';

const run = promisify(execFile);
const TOKEN = 'clt_0123456789abcdefghijklmnopqrstuv';
after(() => disposeMedia());

test('a join token or an ingest places a room that does not exist yet, and leads to an active node', async (t) => {
  const east = startLivekit(t);
  if (typeof east === 'string') return t.skip(east);
  const west = startLivekit(t, { join: east });
  if (typeof west === 'string') return t.skip(west);
  const daemon = await testDaemon(t, { ...east.env, STREAMHUB_CLUSTER_TOKEN: TOKEN });
  const header = { 'x-cluster-token': TOKEN };
  const idOf = async (server: LivekitServer) =>
    /node_id="([^"]+)"/.exec(await (await fetch(server.metricsUrl)).text())?.[1] as string;
  const nodeOfRoom = async (room: string) =>
    (await run('redis-cli', ['-p', new URL(east.redisUrl).port, 'HGET', 'room_node_map', room])).stdout.trim();
  const add = async (name: string, server: LivekitServer) => {
    const joined = await daemon.api.post(
      '/cluster/join',
      { name, ip: '127.0.0.1', region: name, url: server.url },
      header,
    );
    assert.equal(joined.status, 201, joined.text);
    const livekit = {
      state: 'running',
      nodeId: await idOf(server),
      rooms: 0,
      participants: 0,
      clients: 0,
      foreignClients: 0,
    };
    const beat = {
      nodeId: joined.body.data.nodeId,
      stats: { cpu: 0.1 },
      agent: { version: '1', supervisor: 'child', livekit },
    };
    assert.equal((await daemon.api.post('/cluster/heartbeat', beat, header)).status, 200);
    return joined.body.data.nodeId as string;
  };
  const ask = async (body: object) => (await daemon.api.post('/apps/live/tokens', body)).body.data;

  // one node: nothing to choose, nothing changes
  await add('east', east);
  const alone = await ask({ room: 'alone' });
  assert.deepEqual([alone.node, alone.wsUrl], [null, east.url]);
  assert.equal(await nodeOfRoom('live-alone'), '');

  const westId = await add('west', west);
  await daemon.api.patch('/cluster/settings', { strategy: 'same-region' });
  for (const [region, server] of [
    ['west', west],
    ['east', east],
  ] as const) {
    const preview = (await daemon.api.get(`/cluster/placement?region=${region}`)).body.data;
    const made = await ask({ room: `new-${region}`, region });
    assert.deepEqual([made.node, made.wsUrl], [region, server.url]);
    assert.deepEqual([preview.next.name, preview.next.address], [region, server.url]);
    assert.equal(await nodeOfRoom(`live-new-${region}`), await idOf(server));
    // the link carries the region, and the page asks for it
    const link = new URLSearchParams(new URL(made.playUrl).hash.slice(1));
    assert.equal(link.get('region'), region);
    const bearer = { authorization: `Bearer ${link.get('token')}` };
    const shown = await daemon.api.as(null).get(`/apps/live/watch/new-${region}?region=${region}`, bearer);
    assert.equal(shown.body.data.wsUrl, server.url, shown.text);
  }
  const ingest = async (room: string, region: string) =>
    (await daemon.api.post('/apps/live/ingress', { type: 'rtmp', room, region })).body.data;
  const fed = await ingest('fed', 'west');
  assert.deepEqual([fed.node, new URL(fed.url).hostname], ['west', new URL(west.url).hostname]);
  assert.equal(await nodeOfRoom('live-fed'), await idOf(west));
  assert.equal((await east.rooms.listRooms(['live-fed']))[0]?.emptyTimeout, 3600, 'it waits for its encoder');
  assert.equal((await ingest('fed', 'east')).node, null, 'the room is there already');

  const { data: made } = (await daemon.api.post('/apps/live/rooms', { room: 'made', region: 'west' })).body;
  assert.deepEqual([made.node, made.region, await nodeOfRoom('live-made')], ['west', 'west', await idOf(west)]);
  const { data: listed } = (await daemon.api.get('/rooms?q=new-')).body;
  assert.deepEqual(
    listed.map((one: any) => [one.name, one.node, one.region]),
    [
      ['live-new-east', 'east', 'east'],
      ['live-new-west', 'west', 'west'],
    ],
  );

  // the room is there already: it stays where it is, no matter what region is asked for
  const again = await ask({ room: 'new-west', region: 'east', identity: 'ana' });
  assert.deepEqual([again.node, again.wsUrl], [null, east.url]);
  const ana = await join(t, again.wsUrl, again.token);
  await ana.publish();
  assert.equal(await nodeOfRoom('live-new-west'), await idOf(west));
  // a node tells the others of a new track in its own time
  const rowsAfterPass = async () => {
    await daemon.services.reconciler.run();
    return (await daemon.api.get('/apps/live/streams')).body.data as { room: string }[];
  };
  let rows = await rowsAfterPass();
  for (let pass = 0; pass < 50 && rows.length === 0; pass += 1) rows = await rowsAfterPass();
  assert.equal(rows[0]?.room, 'live-new-west');

  // a node that is being emptied gets nothing new, not even those who only pass through it
  await daemon.api.patch(`/cluster/nodes/${westId}`, { status: 'draining' });
  const drained = await ask({ room: 'late', region: 'west' });
  assert.equal(drained.wsUrl, east.url);
  assert.notEqual(await nodeOfRoom('live-late'), await idOf(west));
  await ingest('late-feed', 'west');
  assert.notEqual(await nodeOfRoom('live-late-feed'), await idOf(west));
});
