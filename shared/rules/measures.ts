import type { LoadMeasure } from '../schema/history.ts';
import type { ServerStats } from '../schema/stats.ts';
import { NODE_FIGURES, QUALITY_MEASURES, type QualityMeasure } from './node-figures.ts';

export type Measures = Partial<Record<LoadMeasure, number | undefined>>;
export interface NodeMachine {
  cores: number | undefined;
  memTotal: number | undefined;
  uptimeSeconds: number | undefined;
  disk: { totalBytes: number; freeBytes: number } | undefined;
  gpus: { name: string; utilization: number | undefined }[];
}
export type NodeFigures = Partial<Record<QualityMeasure, number>>;

const AMOUNT = 1e9;
const BYTES_PER_SECOND = 1e12;
const BYTES = 1e18;

const num = (value: unknown, maximum: number): number | undefined =>
  typeof value === 'number' && value >= 0 && value <= maximum ? value : undefined;
const part = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;

/** The numbers of a node's heartbeat that are worth a line. What is absent or beyond its bounds is left out. */
export function nodeMeasures(stats: unknown): Measures {
  const livekit = part(stats, 'livekit');
  const net = part(stats, 'net');
  return {
    cpu: num(part(stats, 'cpu'), 1000),
    memory: num(part(stats, 'memUsedRatio'), 1),
    rooms: num(part(livekit, 'rooms'), AMOUNT),
    participants: num(part(livekit, 'participants'), AMOUNT),
    tx:
      num(part(livekit, 'txBytesPerSecond'), BYTES_PER_SECOND) ?? num(part(net, 'txBytesPerSecond'), BYTES_PER_SECOND),
    rx:
      num(part(livekit, 'rxBytesPerSecond'), BYTES_PER_SECOND) ?? num(part(net, 'rxBytesPerSecond'), BYTES_PER_SECOND),
  };
}

/** How full a node is: the higher of CPU and memory use, 0..1; undefined when neither is reported. */
export function nodeLoad(node: {
  cpu?: number | null | undefined;
  memory?: number | null | undefined;
}): number | undefined {
  const known = [node.cpu, node.memory].filter((share) => typeof share === 'number');
  return known.length === 0 ? undefined : Math.min(1, Math.max(...known));
}

/** What a heartbeat says of the machine beside its load. What has another shape than the agent's is left out. */
export function nodeMachine(stats: unknown): NodeMachine {
  const disk = part(stats, 'disk');
  const [totalBytes, freeBytes] = [num(part(disk, 'totalBytes'), BYTES), num(part(disk, 'freeBytes'), BYTES)];
  const gpus = part(stats, 'gpu');
  return {
    cores: num(part(stats, 'cores'), AMOUNT),
    memTotal: num(part(stats, 'memTotal'), BYTES),
    uptimeSeconds: num(part(stats, 'uptimeSeconds'), AMOUNT),
    disk: totalBytes === undefined || freeBytes === undefined ? undefined : { totalBytes, freeBytes },
    gpus: (Array.isArray(gpus) ? gpus : []).flatMap((gpu: unknown) => {
      const name = part(gpu, 'name');
      return typeof name === 'string' ? [{ name, utilization: num(part(gpu, 'utilization'), 1) }] : [];
    }),
  };
}

/** How well media travels through the node that sent these stats. What is absent or beyond its bounds is left out. */
export function nodeFigures(stats: unknown): NodeFigures {
  const livekit = part(stats, 'livekit');
  const quality = part(livekit, 'quality');
  const figures: NodeFigures = {};
  for (const measure of QUALITY_MEASURES) {
    const value = measure === 'forward' ? part(livekit, 'forwardLatencyMs') : part(quality, measure);
    const figure = num(value, NODE_FIGURES[measure].maximum);
    if (figure !== undefined) figures[measure] = figure;
  }
  return figures;
}

/** The same of the daemon's machine, of which an app token sees only the streams. `cpu` can be above 1: waiting processes count too. */
export function serverMeasures({ host, cpu, memory, disk, counts, livekitReachable }: ServerStats): Measures {
  if (host === false) return { streams: counts.activeStreams };
  return {
    cpu: (cpu.loadAvg[0] ?? 0) / Math.max(1, cpu.cores),
    memory: memory.usedBytes / Math.max(1, memory.totalBytes),
    disk: disk ? disk.usedBytes / Math.max(1, disk.totalBytes) : undefined,
    streams: counts.activeStreams,
    // what LiveKit doesn't report is unknown, not zero
    rooms: livekitReachable ? counts.rooms : undefined,
  };
}
