import { statfs } from 'node:fs/promises';
import os from 'node:os';
import { CapacityMeter } from '#daemon/platform/host-capacity.ts';
import type { AgentStats } from '#shared/schema/cluster.ts';
import { readGpus } from './gpu.ts';

/** How often the GPUs are read. */
const GPU_MS = 60_000;

/** The machine's figures. A figure that can't be read is left out. */
export class HostMeter {
  #gpu: AgentStats['gpu'];
  #gpuAt = Number.NEGATIVE_INFINITY;
  readonly #capacity = new CapacityMeter();
  readonly #disk: string;

  /** @param disk folder whose file system is shown */
  constructor(disk: string) {
    this.#disk = disk;
  }

  async read(): Promise<AgentStats> {
    const { default: si } = await import('systeminformation');
    const [net, disk] = await Promise.all([settle(si.networkStats(outerInterfaces())), settle(statfs(this.#disk))]);
    const { cores, memTotal, memFree, loadavg, cpu } = this.#capacity.read();
    if (performance.now() - this.#gpuAt > GPU_MS) {
      this.#gpuAt = performance.now();
      this.#gpu = await settle(readGpus());
    }
    const stats: AgentStats = {
      role: 'edge',
      cores,
      loadavg1: round(loadavg[0]),
      memTotal,
      memFree,
      memUsedRatio: round(1 - memFree / memTotal),
      uptimeSeconds: Math.round(os.uptime()),
      ...(disk ? { disk: { totalBytes: disk.blocks * disk.bsize, freeBytes: disk.bavail * disk.bsize } } : {}),
      ...(this.#gpu && this.#gpu.length > 0 ? { gpu: this.#gpu } : {}),
    };
    if (cpu !== null) stats.cpu = cpu;
    // the first reading has no rate yet
    if (net?.some((one) => one.rx_sec !== null)) {
      stats.net = {
        rxBytesPerSecond: Math.round(net.reduce((sum, one) => sum + (one.rx_sec ?? 0), 0)),
        txBytesPerSecond: Math.round(net.reduce((sum, one) => sum + (one.tx_sec ?? 0), 0)),
      };
    }
    return stats;
  }
}

/** Names for systeminformation, which would start a dozen processes to find all of them. */
const outerInterfaces = (): string =>
  Object.entries(os.networkInterfaces())
    .flatMap(([name, addresses]) => (addresses?.some(({ internal }) => !internal) ? [name] : []))
    .join(',');

const round = (value: number): number => Math.round(value * 1000) / 1000;

async function settle<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch {
    return undefined;
  }
}
