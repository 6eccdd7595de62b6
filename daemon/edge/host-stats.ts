import os from 'node:os';
import { CapacityMeter } from '#daemon/platform/host-capacity.ts';
import type { AgentStats } from '#shared/schema/cluster.ts';
import { readGpus } from './gpu.ts';

/** How often figures are read that need a child process. */
const SLOW_MS = 60_000;

/** The machine's figures. A figure that can't be read is left out. */
export class HostMeter {
  #slow: Pick<AgentStats, 'disk' | 'gpu'> = {};
  #slowAt = Number.NEGATIVE_INFINITY;
  readonly #capacity = new CapacityMeter();
  readonly #disk: string;

  /** @param disk folder whose file system is shown */
  constructor(disk: string) {
    this.#disk = disk;
  }

  async read(): Promise<AgentStats> {
    const { default: si } = await import('systeminformation');
    const net = await settle(si.networkStats('*'));
    const { cores, memTotal, memFree, loadavg, cpu } = this.#capacity.read();
    if (performance.now() - this.#slowAt > SLOW_MS) {
      this.#slowAt = performance.now();
      this.#slow = await this.#readSlow(si);
    }
    const stats: AgentStats = {
      role: 'edge',
      cores,
      loadavg1: round(loadavg[0]),
      memTotal,
      memFree,
      memUsedRatio: round(1 - memFree / memTotal),
      uptimeSeconds: Math.round(os.uptime()),
      ...this.#slow,
    };
    if (cpu !== null) stats.cpu = cpu;
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
    const [sizes, gpu] = await Promise.all([settle(si.fsSize()), settle(readGpus())]);
    const disk = sizes
      ?.filter(
        (one) => one.size > 0 && `${this.#disk}/`.startsWith(one.mount.endsWith('/') ? one.mount : `${one.mount}/`),
      )
      .sort((a, b) => b.mount.length - a.mount.length)[0];
    return {
      ...(disk ? { disk: { totalBytes: disk.size, freeBytes: disk.available } } : {}),
      ...(gpu && gpu.length > 0 ? { gpu } : {}),
    };
  }
}

const round = (value: number): number => Math.round(value * 1000) / 1000;

async function settle<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch {
    return undefined;
  }
}
