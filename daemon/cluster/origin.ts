import type { Background, Repeated } from '#daemon/platform/background.ts';
import { CapacityMeter } from '#daemon/platform/host-capacity.ts';
import type { Log } from '#daemon/platform/log.ts';
import { LivekitMeter } from '#shared/livekit-metrics.ts';
import { ORIGIN } from '#shared/schema/cluster.ts';
import type { ClusterService } from './service.ts';

const REFRESH_MS = 15_000;
const METRICS_TIMEOUT_MS = 2000;

export interface OriginDeps {
  cluster: ClusterService;
  /** Public base of this daemon, or empty. */
  url(): string;
  /** LIVEKIT_METRICS_URL: where the LiveKit server beside this daemon shows its numbers; empty = not known. */
  metricsUrl(): string;
  background: Background;
  log: Log<'warn'>;
}

/** Keeps the entry of the daemon's own machine fresh, from inside the process. */
export class OriginReporter {
  readonly #deps: OriginDeps;
  readonly #meter = new LivekitMeter();
  #timer: Repeated | undefined;
  readonly #capacity = new CapacityMeter();

  constructor(deps: OriginDeps) {
    this.#deps = deps;
  }

  /** Begins where clustering is on, or where LiveKit’s figures are known; can be called again after that changed. */
  start(): void {
    this.stop();
    const { cluster, metricsUrl } = this.#deps;
    // once registered it is kept fresh, so that it doesn’t count as away
    if (!cluster.isEnabled && metricsUrl() === '' && cluster.nodes.get(ORIGIN) === undefined) return;
    try {
      this.#deps.cluster.refreshOrigin({ url: this.#deps.url(), stats: this.#stats(), livekit: null }, true);
    } catch (err) {
      this.#deps.log.warn({ err }, 'the origin could not be registered');
    }
    this.#timer = this.#deps.background.every('origin stats', REFRESH_MS, () => this.#refresh(), {
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
    this.#deps.cluster.refreshOrigin({ url: this.#deps.url(), stats, livekit: livekit?.report ?? null }, false);
  }

  async #livekit() {
    const metricsUrl = this.#deps.metricsUrl();
    if (metricsUrl === '') return null;
    const seen = await this.#meter.read(metricsUrl, METRICS_TIMEOUT_MS);
    if (seen === null) return null;
    const { nodeId, rooms, participants, clients, foreignClients, rates } = seen;
    return { report: { state: 'running' as const, nodeId, rooms, participants, clients, foreignClients }, rates };
  }

  #stats(): Record<string, unknown> {
    const { cores, memTotal, memFree, loadavg, cpu } = this.#capacity.read();
    return {
      role: 'origin',
      cores,
      loadavg1: loadavg[0],
      cpu: cpu ?? Math.min(1, loadavg[0] / cores),
      memTotal,
      memFree,
      memUsedRatio: 1 - memFree / memTotal,
    };
  }
}
