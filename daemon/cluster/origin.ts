import os from 'node:os';
import type { Background, Repeated } from '#daemon/platform/background.ts';
import type { Log } from '#daemon/platform/log.ts';
import { LivekitMeter } from '#shared/livekit-metrics.ts';
import type { ClusterService } from './service.ts';

const REFRESH_MS = 15_000;
const METRICS_TIMEOUT_MS = 2000;
/** Processor time, all cores together, below which a share says nothing. */
const MIN_CPU_MS = 1000;

export interface OriginDeps {
  cluster: ClusterService;
  /** Public base of this daemon, or empty. */
  url: string;
  /** LIVEKIT_METRICS_URL: where the LiveKit server beside this daemon shows its numbers; empty = not known. */
  metricsUrl: string;
  background: Background;
  log: Log<'warn'>;
}

/** Keeps the entry of the daemon's own machine fresh, from inside the process. */
export class OriginReporter {
  readonly #deps: OriginDeps;
  readonly #meter = new LivekitMeter();
  #timer: Repeated | undefined;
  #before = os.cpus();

  constructor(deps: OriginDeps) {
    this.#deps = deps;
  }

  start(): void {
    if (!this.#deps.cluster.isEnabled) return;
    try {
      this.#deps.cluster.refreshOrigin({ url: this.#deps.url, stats: this.#stats(), livekit: null }, true);
    } catch (err) {
      this.#deps.log.warn({ err }, 'the origin could not be registered');
    }
    this.#timer = this.#deps.background.every('figures of this machine', REFRESH_MS, () => this.#refresh(), {
      first: 0,
    });
  }

  stop(): void {
    this.#timer?.stop();
    this.#timer = undefined;
  }

  async #refresh(): Promise<void> {
    const livekit = await this.#livekit();
    if (this.#timer === undefined) return;
    const stats = { ...this.#stats(), ...(livekit ? { livekit: livekit.rates } : {}) };
    this.#deps.cluster.refreshOrigin({ url: this.#deps.url, stats, livekit: livekit?.report ?? null }, false);
  }

  async #livekit() {
    if (this.#deps.metricsUrl === '') return null;
    const seen = await this.#meter.read(this.#deps.metricsUrl, METRICS_TIMEOUT_MS);
    if (seen === null) return null;
    const { nodeId, rooms, participants, clients, foreignClients, rates } = seen;
    return { report: { state: 'running' as const, nodeId, rooms, participants, clients, foreignClients }, rates };
  }

  #stats(): Record<string, unknown> {
    const memTotal = os.totalmem();
    const memFree = os.freemem();
    const cores = os.availableParallelism();
    const loadavg1 = os.loadavg()[0] ?? 0;
    return {
      role: 'origin',
      cores,
      loadavg1,
      cpu: this.#cpuShare() ?? Math.min(1, loadavg1 / cores),
      memTotal,
      memFree,
      memUsedRatio: 1 - memFree / memTotal,
    };
  }

  /** Share of processor time in use since the last call; null right after the start. */
  #cpuShare(): number | null {
    const now = os.cpus();
    const sum = (cpus: os.CpuInfo[]) =>
      cpus.reduce(
        (total, { times }) => ({
          idle: total.idle + times.idle,
          all: total.all + times.user + times.nice + times.sys + times.idle + times.irq,
        }),
        { idle: 0, all: 0 },
      );
    const [a, b] = [sum(this.#before), sum(now)];
    const all = b.all - a.all;
    if (all < MIN_CPU_MS) return null;
    this.#before = now;
    return Math.round((1 - (b.idle - a.idle) / all) * 1000) / 1000;
  }
}
