import assert from 'node:assert/strict';
import net from 'node:net';
import { after, test } from 'node:test';
import { testDaemon } from '#test/helpers/daemon.ts';
import { readEvents } from '#test/helpers/event-reader.ts';
import { startLivekit } from '#test/helpers/livekit.ts';
import { disposeMedia, join } from '#test/helpers/participant.ts';

after(() => disposeMedia());

/** A port that LiveKit's webhooks go to and daemons listen on, one after the other. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('streams, counts and stats follow a publisher from join to leave', async (t) => {
  const port = await freePort();
  const livekit = await startLivekit(t, { webhooks: [`http://127.0.0.1:${port}/api/v1/webhooks/livekit`] });
  if (typeof livekit === 'string') return t.skip(livekit);
  const daemon = await testDaemon(t, { ...livekit.env, PORT: String(port) });
  const events = await readEvents(t, daemon.url, daemon.token);
  await events.next('hello');

  const { body: made } = await daemon.api.post('/apps/live/tokens', { room: 'stage', identity: 'ana' });
  assert.equal(made.data.room, 'live-stage');
  const ana = await join(t, made.data.wsUrl, made.data.token);
  const { body: watching } = await daemon.api.post('/apps/live/tokens', {
    room: 'live-stage',
    identity: 'bob',
    canPublish: false,
  });
  const bob = await join(t, watching.data.wsUrl, watching.data.token);
  const camera = await ana.publish();
  const started = await events.next('stream.started');
  assert.equal(started.data.app, 'live');
  assert.equal(started.data.data.participant, 'ana');

  const { body: list } = await daemon.api.get('/apps/live/streams');
  assert.equal(list.total, 1);
  const [row] = list.data;
  assert.equal(row.streamId, ana.room.localParticipant?.sid);
  assert.equal(row.type, 'webrtc');
  assert.equal(row.status, 'active');
  assert.deepEqual([row.participants, row.publishers, row.viewers], [2, 1, 1]);
  const { body: stats } = await daemon.api.get('/apps/live/stats');
  assert.deepEqual(stats.data.live, {
    activeStreams: 1,
    totalViewers: 1,
    rooms: [{ room: 'live-stage', streams: 1, viewers: 1 }],
  });
  assert.equal((await daemon.api.get('/stats')).body.livekitReachable, true);
  assert.equal((await daemon.api.get('/stats')).body.counts.activeStreams, 1);

  await camera.stop();
  const ended = await events.next('stream.ended');
  assert.equal(ended.data.data.streamId, row.streamId);
  assert.equal((await daemon.api.get('/apps/live/streams')).body.total, 0);
  await ana.publish('again');
  const again = await events.next('stream.started');
  assert.equal(again.data.data.streamId, `${row.streamId}-2`);
  await bob.leave();
  await events.next((m) => m.event === 'room.counts' && m.data.data.viewers === 0);
  await ana.leave();
  await events.next('stream.ended');
  await events.next((m) => m.event === 'room.counts' && m.data.data.participants === 0);
  const all = (await daemon.api.get('/apps/live/streams?status=all')).body;
  assert.deepEqual(
    all.data.map((one: any) => [one.streamId, one.status, one.endedAt !== null]),
    [
      [`${row.streamId}-2`, 'ended', true],
      [row.streamId, 'ended', true],
    ],
  );
  assert.equal((await daemon.api.get('/stats')).body.counts.activeStreams, 0);
});
