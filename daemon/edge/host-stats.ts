import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import os from 'node:os';
import { CapacityMeter } from '#daemon/platform/host-capacity.ts';
import type { AgentStats } from '#shared/schema/cluster.ts';
import { readGpus } from './gpu.ts';

/** How often the GPUs are read, which needs a child process. */
const GPU_MS = 60_000;

/** The machine's figures. A figure that can't be read is left out. */
export class HostMeter {
  #gpu: AgentStats['gpu'];
  #gpuAt = Number.NEGATIVE_INFINITY;
  /** Bytes of all network interfaces at the reading before. */
  #traffic: { at: number; rx: number; tx: number } | undefined;
  readonly #capacity = new CapacityMeter();
  readonly #disk: string;

  /** @param disk folder whose file system is shown */
  constructor(disk: string) {
    this.#disk = disk;
  }

  async read(): Promise<AgentStats> {
    const { cores, memTotal, memFree, loadavg, cpu } = this.#capacity.read();
    if (performance.now() - this.#gpuAt > GPU_MS) {
      this.#gpuAt = performance.now();
      this.#gpu = await settle(readGpus());
    }
    const disk = await settle(statfs(this.#disk));
    const net = this.#rates();
    return {
      role: 'edge',
      cores,
      loadavg1: round(loadavg[0]),
      memTotal,
      memFree,
      memUsedRatio: round(1 - memFree / memTotal),
      uptimeSeconds: Math.round(os.uptime()),
      ...(disk ? { disk: { totalBytes: disk.blocks * disk.bsize, freeBytes: disk.bavail * disk.bsize } } : {}),
      ...(this.#gpu && this.#gpu.length > 0 ? { gpu: this.#gpu } : {}),
      ...(cpu !== null ? { cpu } : {}),
      ...(net ? { net } : {}),
    };
  }

  /** The first reading has none. */
  #rates(): AgentStats['net'] {
    const before = this.#traffic;
    const now = readTraffic();
    if (now === undefined) return undefined;
    const at = performance.now();
    this.#traffic = { at, ...now };
    if (before === undefined) return undefined;
    // an interface that went away took its bytes along
    const rate = (more: number): number => Math.round(Math.max(0, more) / ((at - before.at) / 1000));
    return { rxBytesPerSecond: rate(now.rx - before.rx), txBytesPerSecond: rate(now.tx - before.tx) };
  }
}

/** Bytes so far of the interfaces that have an address, without loopback. */
function readTraffic(): { rx: number; tx: number } | undefined {
  let text: string;
  try {
    text = readFileSync('/proc/net/dev', 'utf8');
  } catch {
    return undefined;
  }
  const names = Object.entries(os.networkInterfaces()).flatMap(([name, addresses]) =>
    addresses?.some(({ internal }) => !internal) ? [name] : [],
  );
  const sum = { rx: 0, tx: 0 };
  for (const [, name = '', figures = ''] of text.matchAll(/^\s*(\S+):\s*(.*)$/gm)) {
    if (!names.includes(name)) continue;
    const columns = figures.split(/\s+/);
    sum.rx += Number(columns[0]);
    sum.tx += Number(columns[8]);
  }
  return sum;
}

const round = (value: number): number => Math.round(value * 1000) / 1000;

async function settle<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch {
    return undefined;
  }
}
