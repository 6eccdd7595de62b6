import type { JoinAnswer } from '#shared/schema/cluster.ts';
import type { BenchCase } from '../harness.ts';

const NODES = 10_000;
const TOKEN = 'clt_0123456789abcdefghijklmnopqrstuv';
const STATS = {
  role: 'edge',
  cores: 8,
  loadavg1: 1.25,
  cpu: 0.42,
  memTotal: 16777216000,
  memFree: 8388608000,
  memUsedRatio: 0.5,
  net: { rxBytesPerSecond: 1234567, txBytesPerSecond: 7654321 },
  disk: { totalBytes: 256000000000, freeBytes: 128000000000 },
  livekit: {
    rooms: 3,
    participants: 120,
    publishedTracks: 12,
    subscribedTracks: 240,
    rxBytesPerSecond: 500000,
    txBytesPerSecond: 9000000,
  },
};

const bench: BenchCase = {
  name: 'heartbeat',
  async run({ daemon, ratio, latencies }) {
    const { url, token, rss } = await daemon({ STREAMHUB_CLUSTER_TOKEN: TOKEN });
    const headers = { 'x-cluster-token': TOKEN, 'content-type': 'application/json' };
    const ids: string[] = [];
    const join = async (first: number): Promise<void> => {
      for (let i = first; i < NODES; i += 8) {
        const body = JSON.stringify({ name: `edge-${i}`, ip: '203.0.113.1' });
        const answer = await fetch(`${url}/api/v1/cluster/join`, { method: 'POST', headers, body });
        ids.push(((await answer.json()) as { data: JoinAnswer }).data.nodeId);
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, i) => join(i)));
    const vary = (i: number): string => JSON.stringify({ nodeId: ids[(i * 7919) % NODES], stats: STATS });
    const bodies = Array.from({ length: NODES }, (_, i) => vary(i));
    const value = await ratio({
      url: `${url}/api/v1/cluster/heartbeat`,
      method: 'POST',
      headers,
      body: vary(0),
      vary: (i) => bodies[i % NODES] as string,
    });
    const bearer = { authorization: `Bearer ${token}` };
    // while reports of all nodes are being written
    const health = await latencies(`${url}/api/v1/health`, {}, 2000);
    const memory = rss();
    const list = await latencies(`${url}/api/v1/cluster/nodes`, bearer, 10);
    return [
      { what: `POST /cluster/heartbeat with stats, ${NODES} nodes known`, value, unit: '× bare', target: 0.4 },
      { what: 'p99 of GET /health after it, reports being written', value: health.p99, unit: 'ms', target: 20 },
      { what: `GET /cluster/nodes, ${NODES} nodes, median`, value: list.p50, unit: 'ms' },
      { what: `resident memory, ${NODES} nodes reporting`, value: memory, unit: 'MB' },
    ];
  },
};
export default bench;
