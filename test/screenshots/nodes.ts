import type { Client, TestDaemon } from '#test/helpers/daemon.ts';
import type { Cleanup } from './world.ts';

/** An edge machine as its agent would report it. */
export interface EdgeSketch {
  nodeId: string;
  nodeToken: string;
  name: string;
  cores: number;
  rooms: number;
  /** Share of the processor in use, around which it moves. */
  load: number;
  isSilent?: boolean;
}

const NODES: readonly [name: string, ip: string, region: string, cores: number, rooms: number, load: number][] = [
  ['edge-fra-1', '203.0.113.11', 'eu-central', 16, 14, 0.46],
  ['edge-fra-2', '203.0.113.12', 'eu-central', 16, 11, 0.38],
  ['edge-ams-1', '203.0.113.21', 'eu-west', 8, 6, 0.91],
  ['edge-nyc-1', '198.51.100.5', 'us-east', 32, 22, 0.33],
  ['edge-sgp-1', '198.51.100.77', 'ap-southeast', 8, 3, 0.2],
  ['edge-syd-1', '198.51.100.91', 'ap-southeast', 8, 2, 0.12],
];

/** Joins the machines as their agents do. */
export async function sketchNodes(api: Client, token: string): Promise<EdgeSketch[]> {
  const sketches: EdgeSketch[] = [];
  for (const [name, ip, region, cores, rooms, load] of NODES) {
    const { body } = await api
      .as(null)
      .post('/cluster/join', { name, ip, region, url: `wss://${name}.example.com` }, { 'x-cluster-token': token });
    const { nodeId, nodeToken } = body.data as { nodeId: string; nodeToken: string };
    const sketch = { nodeId, nodeToken, name, cores, rooms, load, isSilent: name === 'edge-sgp-1' };
    sketches.push(sketch);
    await beat(api, sketch);
  }
  return sketches;
}

/** Every machine but the silent ones continues reporting. */
export function keepBeating(t: Cleanup, { api }: TestDaemon, sketches: readonly EdgeSketch[]): void {
  const all = (): void => {
    for (const sketch of sketches) if (!sketch.isSilent) void beat(api, sketch).catch(() => undefined);
  };
  all();
  const timer = setInterval(all, 5000);
  t.after(() => clearInterval(timer));
}

async function beat(api: Client, { nodeId, nodeToken, name, cores, rooms, load }: EdgeSketch): Promise<void> {
  const cpu = Math.min(0.99, Math.max(0.02, load + 0.08 * Math.sin(Date.now() / 40_000 + cores * rooms)));
  const participants = rooms * 9;
  const stats = {
    role: 'edge',
    cores,
    cpu,
    loadavg1: cpu * cores,
    memTotal: cores * 2 * 1024 ** 3,
    memFree: cores * 2 * 1024 ** 3 * (1 - 0.3 - cpu / 3),
    memUsedRatio: 0.3 + cpu / 3,
    uptimeSeconds: 46 * 86_400,
    disk: { totalBytes: 200e9, freeBytes: 132e9 },
    livekit: {
      rooms,
      participants,
      publishedTracks: rooms * 3,
      subscribedTracks: rooms * 20,
      rxBytesPerSecond: rooms * 410_000,
      txBytesPerSecond: rooms * 2_600_000 * (0.9 + cpu / 5),
    },
    ...(name === 'edge-nyc-1'
      ? {
          gpu: [
            { name: 'NVIDIA L4', utilization: 0.41, memoryUsedBytes: 6e9, memoryTotalBytes: 24e9, temperature: 58 },
          ],
        }
      : {}),
  };
  const livekit = {
    state: 'running',
    nodeId: `ND_${name.replaceAll('-', '')}`,
    rooms,
    participants,
    clients: participants,
    foreignClients: 0,
  };
  await api
    .as(null)
    .post(
      '/cluster/heartbeat',
      { nodeId, stats, agent: { version: '0.1.0', supervisor: 'systemd', livekit } },
      { 'x-cluster-token': nodeToken },
    );
}
