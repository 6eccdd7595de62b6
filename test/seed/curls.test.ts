import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { sharedDaemon } from '#test/helpers/daemon.ts';

const run = promisify(execFile);
const CLUSTER_TOKEN = 'clt_0123456789abcdefghijABCDEFGHIJ01';

/** The commands of the API reference, run as they are printed there by a shell with curl, and the answer it prints. */
describe('every curl of the API reference', () => {
  const daemon = sharedDaemon({
    STREAMHUB_CLUSTER_TOKEN: CLUSTER_TOKEN,
    STREAMHUB_CLUSTER_REDIS_URL: 'redis://cluster-redis:6379',
    PUBLIC_WS_URL: 'wss://media.example.com',
    LIVEKIT_API_KEY: 'APIkey',
    LIVEKIT_API_SECRET: 'secret-secret-secret-secret-secret',
    LIVEKIT_URL: 'ws://127.0.0.1:9',
  });
  let nodeId = '';

  async function shell(command: string): Promise<any> {
    const { stdout } = await run(
      'bash',
      ['-euo', 'pipefail', '-c', command.replace('4b2f0c2e-1a3d-4c5e-8f9a-0b1c2d3e4f5a', nodeId)],
      {
        env: {
          PATH: process.env['PATH'] ?? '',
          BASE: `${daemon.url}/api/v1`,
          STREAMHUB_TOKEN: daemon.token,
          STREAMHUB_CLUSTER_TOKEN: CLUSTER_TOKEN,
        },
      },
    );
    return JSON.parse(stdout);
  }

  test('create an app', async () => {
    const body = await shell(
      `curl -s -X POST $BASE/apps \\\n  -H "Authorization: Bearer $STREAMHUB_TOKEN" \\\n  -H "Content-Type: application/json" \\\n  -d '{"name":"demo","displayName":"Demo","roomPrefix":"demo"}'`,
    );
    assert.deepEqual([body.name, body.displayName, body.livekitRoomPrefix], ['demo', 'Demo', 'demo']);
  });

  test('edit an app', async () => {
    const body = await shell(
      `curl -s -X PATCH $BASE/apps/live \\\n  -H "Authorization: Bearer $STREAMHUB_TOKEN" \\\n  -H "Content-Type: application/json" \\\n  -d '{"recordingEnabled":true,"callbackUrl":"https://hooks.example.com/streamhub"}'`,
    );
    assert.equal(body.recording.enabled, true);
    assert.equal(body.callbacks.url, 'https://hooks.example.com/streamhub');
  });

  test('delete an app with its VODs', async () => {
    const body = await shell(
      `curl -s -X DELETE "$BASE/apps/demo?deleteVods=true" \\\n  -H "Authorization: Bearer $STREAMHUB_TOKEN"`,
    );
    assert.deepEqual(body, { deleted: true, name: 'demo' });
  });

  test('write the config', async () => {
    const body = await shell(
      `curl -s -X PUT $BASE/apps/live/config/raw \\\n  -H "Authorization: Bearer $STREAMHUB_TOKEN" \\\n  -H "Content-Type: application/json" \\\n  -d '{"yaml":"name: live\\nroom_prefix: live\\n..."}'`,
    );
    assert.equal(body.data.reloaded, true);
    assert.deepEqual(body.data.warnings, []);
  });

  test('apply a preset', async () => {
    const { data } = await shell(
      `curl -s -X POST $BASE/apps/live/presets/low-latency/apply \\\n  -H "Authorization: Bearer $STREAMHUB_TOKEN"`,
    );
    assert.deepEqual([data.preset, data.applied, data.reloaded], ['low-latency', true, true]);
    assert.ok(Array.isArray(data.changed) && data.changed.includes('transcoding.enabled'));
    assert.match(data.diff, /^\+ {3}enabled: false$/m);
    assert.deepEqual(data.warnings, []);
    assert.ok(Array.isArray(data.warnings));
  });

  test('give an app its bucket', async () => {
    const { data } = await shell(
      `curl -s -X PUT $BASE/apps/live/s3 \\\n  -H "Authorization: Bearer $STREAMHUB_TOKEN" \\\n  -H "Content-Type: application/json" \\\n  -d '{"provider":"wasabi","bucket":"my-bucket","region":"us-east-1","endpoint":"https://s3.us-east-1.wasabisys.com","key":"AKIA...","secret":"...","prefix":"streamhub/live"}'`,
    );
    assert.deepEqual(
      [
        data.provider,
        data.bucket,
        data.region,
        data.endpoint,
        data.prefix,
        data.hasKey,
        data.hasSecret,
        data.configured,
      ],
      ['wasabi', 'my-bucket', 'us-east-1', 'https://s3.us-east-1.wasabisys.com', 'streamhub/live', true, true, true],
    );
  });

  test('join an edge node', async () => {
    const body = await shell(
      `curl -s -X POST $BASE/cluster/join \\\n  -H "X-Cluster-Token: $STREAMHUB_CLUSTER_TOKEN" \\\n  -H "Content-Type: application/json" \\\n  -d '{"name":"edge-fra-1","ip":"203.0.113.10","region":"eu-central"}'`,
    );
    assert.equal(body.error, null);
    const { nodeId: id, ...rest } = body.data;
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
    nodeId = id;
    assert.equal(rest.name, 'edge-fra-1');
    assert.equal(rest.redisUrl, 'redis://cluster-redis:6379');
    assert.equal(rest.publicWsUrl, 'wss://media.example.com');
    assert.deepEqual(rest.livekit, {
      apiKey: 'APIkey',
      apiSecret: 'secret-secret-secret-secret-secret',
      wsUrl: 'ws://127.0.0.1:9',
    });
  });

  test('send a heartbeat', async () => {
    const body = await shell(
      `curl -s -X POST $BASE/cluster/heartbeat \\\n  -H "X-Cluster-Token: $STREAMHUB_CLUSTER_TOKEN" \\\n  -H "Content-Type: application/json" \\\n  -d '{"nodeId":"4b2f0c2e-1a3d-4c5e-8f9a-0b1c2d3e4f5a","stats":{"cpu":0.42,"activeStreams":3}}'`,
    );
    assert.equal(body.data.ok, true);
    const { body: nodes } = await daemon.api.get('/cluster/nodes');
    const node = nodes.data.find((n: { id: string }) => n.id === nodeId);
    assert.deepEqual([node.stats.cpu, node.stats.activeStreams, node.stale], [0.42, 3, false]);
  });

  test('read the server stats', async () => {
    const body = await shell(`curl -s $BASE/stats -H "Authorization: Bearer $STREAMHUB_TOKEN"`);
    for (const key of [
      'ts',
      'uptimeSeconds',
      'version',
      'cpu',
      'memory',
      'livekitReachable',
      'counts',
      'egress',
      'ingress',
    ])
      assert.ok(key in body, key);
    assert.equal(body.cpu.loadAvg.length, 3);
    assert.deepEqual(Object.keys(body.counts).sort(), ['activeStreams', 'apps', 'rooms']);
    assert.equal(body.livekitReachable, false);
    assert.deepEqual(Object.keys(body.egress).sort(), ['active', 'reachable', 'total']);
  });

  test('health needs nothing', async () => {
    const body = await shell('curl -s $BASE/health');
    assert.equal(body.status, 'ok');
  });
});
