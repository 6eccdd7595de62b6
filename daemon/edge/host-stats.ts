import os from 'node:os';
import type { AgentStats } from '#shared/schema/cluster.ts';

/** How often what costs a child process is asked again. */
const SLOW_MS = 60_000;
const MAX_GPUS = 8;

type Gpu = NonNullable<AgentStats['gpu']>[number];

/** The machine's numbers. A part that cannot be told is absent and hurts no other. */
export class HostMeter {
  #slow: Pick<AgentStats, 'disk' | 'gpu'> = {};
  #slowAt = Number.NEGATIVE_INFINITY;
  readonly #disk: string;

  /** @param disk folder whose file system is shown */
  constructor(disk: string) {
    this.#disk = disk;
  }

  async read(): Promise<AgentStats> {
    const { default: si } = await import('systeminformation');
    const [load, mem, net] = await Promise.all([
      settle(si.currentLoad()),
      settle(si.mem()),
      settle(si.networkStats('*')),
    ]);
    if (performance.now() - this.#slowAt > SLOW_MS) {
      this.#slowAt = performance.now();
      this.#slow = await this.#readSlow(si);
    }
    const stats: AgentStats = {
      role: 'edge',
      cores: os.availableParallelism(),
      loadavg1: round(os.loadavg()[0] ?? 0),
      uptimeSeconds: Math.round(os.uptime()),
      ...this.#slow,
    };
    if (load) stats.cpu = round(load.currentLoad / 100);
    if (mem && mem.total > 0) {
      stats.memTotal = mem.total;
      stats.memFree = mem.available;
      stats.memUsedRatio = round(1 - mem.available / mem.total);
    }
    const outer = net?.filter((one) => one.iface !== 'lo');
    // the first reading has no rate yet
    if (outer?.some((one) => one.rx_sec !== null)) {
      stats.net = {
        rxBytesPerSecond: Math.round(outer.reduce((sum, one) => sum + (one.rx_sec ?? 0), 0)),
        txBytesPerSecond: Math.round(outer.reduce((sum, one) => sum + (one.tx_sec ?? 0), 0)),
      };
    }
    return stats;
  }

  async #readSlow(si: typeof import('systeminformation')): Promise<Pick<AgentStats, 'disk' | 'gpu'>> {
    const [sizes, graphics] = await Promise.all([settle(si.fsSize()), settle(si.graphics())]);
    const disk = sizes
      ?.filter(
        (one) => one.size > 0 && `${this.#disk}/`.startsWith(one.mount.endsWith('/') ? one.mount : `${one.mount}/`),
      )
      .sort((a, b) => b.mount.length - a.mount.length)[0];
    const gpu = graphics?.controllers
      .filter((one) => one.memoryTotal !== undefined || one.utilizationGpu !== undefined)
      .slice(0, MAX_GPUS)
      .map(toGpu);
    return {
      ...(disk ? { disk: { totalBytes: disk.size, freeBytes: disk.available } } : {}),
      ...(gpu && gpu.length > 0 ? { gpu } : {}),
    };
  }
}

function toGpu(one: {
  name?: string;
  model?: string;
  utilizationGpu?: number;
  memoryUsed?: number;
  memoryTotal?: number;
  temperatureGpu?: number;
}): Gpu {
  const gpu: Gpu = { name: (one.name || one.model || 'GPU').slice(0, 64) };
  const mebibyte = 1024 * 1024;
  if (isNumber(one.utilizationGpu)) gpu.utilization = round(one.utilizationGpu / 100);
  if (isNumber(one.memoryUsed)) gpu.memoryUsedBytes = one.memoryUsed * mebibyte;
  if (isNumber(one.memoryTotal)) gpu.memoryTotalBytes = one.memoryTotal * mebibyte;
  if (isNumber(one.temperatureGpu)) gpu.temperature = one.temperatureGpu;
  return gpu;
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const round = (value: number): number => Math.round(value * 1000) / 1000;

async function settle<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch {
    return undefined;
  }
}
