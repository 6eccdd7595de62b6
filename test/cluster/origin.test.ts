// The LiveKit server beside the daemon takes part in placement once its metrics are known.
import assert from 'node:assert/strict';
import test from 'node:test';
import { blockScope, testDaemon } from '#test/helpers/daemon.ts';
import { startLivekit } from '#test/helpers/livekit.ts';
import { event, participant, room, sendWebhook, track } from '#test/helpers/livekit-webhook.ts';
import { until } from '#test/helpers/until.ts';

const scope = blockScope();
const livekit = startLivekit(scope);

test('the origin reports its LiveKit, and gets rooms beside an edge node', {
  skip: typeof livekit === 'string' ? livekit : false,
}, async (t) => {
  if (typeof livekit === 'string') return;
  const daemon = await testDaemon(t, {
    ...livekit.env,
    STREAMHUB_CLUSTER_TOKEN: 'clt_0123456789abcdef',
    LIVEKIT_METRICS_URL: livekit.metricsUrl,
    PUBLIC_WS_URL: 'wss://live.example',
  });
  const { cluster } = daemon.services;
  await until('LiveKit’s figures are read', () => cluster.require('origin').livekit);
  const record = (await daemon.api.get('/cluster/nodes/origin')).body.data;
  assert.equal(record.stats.livekit.rooms, 0);
  assert.equal(record.agent, null);
  const nodeId = /node_id="([^"]+)"/.exec(await (await fetch(livekit.metricsUrl)).text())?.[1];
  assert.equal(cluster.placement.choose('alone').node, null, 'alone there is nothing to choose');

  const { answer } = cluster.join('shared', { name: 'edge', ip: '203.0.113.1' });
  const report = { nodeId: 'ND_edge', rooms: 0, participants: 0, clients: 0, foreignClients: 0 };
  const agent = { version: '1', supervisor: 'child' as const, livekit: { state: 'running' as const, ...report } };
  cluster.heartbeat('shared', { nodeId: answer.nodeId, stats: { cpu: 1 }, agent });
  // by turns, and with the edge as busy as this machine may be
  await daemon.api.patch('/cluster/settings', { strategy: 'spread' });
  const chosen = [1, 2].map((i) => cluster.placement.choose(`r${i}`));
  const origin = chosen.find((one) => one.node?.id === 'origin');
  assert.equal(origin?.livekitNodeId, nodeId);
  assert.equal(origin?.address, 'wss://live.example');
  await livekit.rooms.createRoom({ name: 'placed', nodeId: origin?.livekitNodeId as string });

  // a node that is slow to pass on packets concerns an app that is live
  const yaml = (await daemon.api.get('/apps/live/config/raw')).body.data.yaml.replace(/^latency_alert:\n( .*\n)+/m, '');
  const alert = 'latency_alert: {enabled: true, forward_threshold_ms: 200, interval_seconds: 2}\n';
  assert.equal((await daemon.api.put('/apps/live/config/raw', { yaml: yaml + alert })).status, 200);
  const parts = { room: room('live-hall'), participant: participant('ana') };
  const keys = { key: livekit.apiKey, secret: livekit.apiSecret };
  // LiveKit has no such room, so each comparison with it ends the stream
  const problem = async () => {
    await sendWebhook(daemon.url, event('track_published', { ...parts, track: track('TR_1') }), keys);
    return (await daemon.api.get('/apps/live')).body.problems?.[0];
  };
  const slow = (forwardLatencyMs: number) =>
    cluster.heartbeat('shared', { nodeId: answer.nodeId, stats: { livekit: { forwardLatencyMs } }, agent });
  slow(250);
  const told = await until('the app has a problem', problem, { every: 100 });
  assert.deepEqual(
    [told.code, told.message.split(',')[0]],
    ['LATENCY_HIGH', 'LiveKit on edge takes 250 ms to pass on a packet'],
  );
  slow(3);
  await until('it is over', async () => (await problem()) === undefined, { every: 100 });

  const { body } = await daemon.api.patch('/cluster/nodes/origin', { status: 'draining' });
  assert.equal(body.data.drain.phase, 'mark', 'no agent looks after it');
  assert.equal(cluster.placement.choose('r3').node?.name, 'edge');
});
