import { createHash, timingSafeEqual } from 'node:crypto';
import type { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Log } from '#daemon/platform/log.ts';
import type { SettingValues } from '#daemon/platform/settings.ts';
import { ApiError } from '#shared/errors.ts';
import {
  type CounterName,
  FAMILIES,
  type Family,
  type FamilyName,
  type GaugeName,
  type HistogramName,
  type Labels,
  type Sample,
} from './families.ts';

export interface MetricsOptions {
  /** The token, empty = metrics are off: nothing is counted and the library is never loaded; and whether to include process metrics. */
  settings: Pick<SettingValues, 'metricsToken' | 'metricsDefaults'>;
  log: Log<'warn'>;
}

type Collector = () => Iterable<Sample> | Promise<Iterable<Sample>>;

/** Counts what happens and tells it to Prometheus. */
export class MetricsService {
  readonly #options: MetricsOptions;
  readonly #collectors = new Map<GaugeName, Collector>();
  readonly #families = new Map<FamilyName, Counter | Gauge | Histogram>();
  #registry: Registry | undefined;

  constructor(options: MetricsOptions) {
    this.#options = options;
  }

  get isEnabled(): boolean {
    return this.#options.settings.metricsToken.trim() !== '';
  }

  /** Begins where metrics are on; called again after that changed, what was counted is kept. */
  async start(): Promise<void> {
    if (!this.isEnabled) return this.stop();
    const { default: client } = await import('prom-client');
    if (!this.isEnabled || this.#registry !== undefined) return;
    const registry = new client.Registry();
    this.#registry = registry;
    for (const [name, family] of Object.entries(FAMILIES) as [FamilyName, Family][]) {
      const shape = {
        name: `streamhub_${name}`,
        help: family.help,
        labelNames: [...family.labels],
        registers: [registry],
      };
      const metric =
        family.type === 'counter'
          ? new client.Counter(shape)
          : family.type === 'gauge'
            ? new client.Gauge(shape)
            : new client.Histogram({ ...shape, buckets: [...(family.buckets ?? [])] });
      this.#families.set(name, metric);
    }
    if (this.#options.settings.metricsDefaults) client.collectDefaultMetrics({ register: registry });
  }

  /** Ends the observation of the process. */
  stop(): void {
    this.#registry?.clear();
    this.#registry = undefined;
    this.#families.clear();
  }

  count(name: CounterName, labels: Labels = {}, by = 1): void {
    (this.#families.get(name) as Counter | undefined)?.inc(labels as Record<string, string | number>, by);
  }

  observe(name: HistogramName, labels: Labels, value: number): void {
    (this.#families.get(name) as Histogram | undefined)?.observe(labels as Record<string, string | number>, value);
  }

  /** Gauges that somebody answers for. */
  get fed(): ReadonlySet<GaugeName> {
    return new Set(this.#collectors.keys());
  }

  /** Gives a gauge its values at each scrape; what is not answered any more is gone. One collector a gauge. */
  collect(name: GaugeName, collector: Collector): void {
    this.#collectors.set(name, collector);
  }

  /**
   * The text for Prometheus.
   * @throws ApiError METRICS_DISABLED, METRICS_FORBIDDEN
   */
  async scrape(token: string | undefined): Promise<string> {
    if (!this.isEnabled || this.#registry === undefined) throw new ApiError('METRICS_DISABLED');
    const expected = digest(this.#options.settings.metricsToken);
    if (token === undefined || !timingSafeEqual(digest(token), expected)) throw new ApiError('METRICS_FORBIDDEN');
    for (const [name, collector] of this.#collectors) await this.#refresh(name, collector);
    return this.#registry.metrics();
  }

  async #refresh(name: GaugeName, collector: Collector): Promise<void> {
    const gauge = this.#families.get(name) as Gauge;
    try {
      const samples = [...(await collector())];
      gauge.reset();
      for (const { labels = {}, value } of samples) gauge.set(labels as Record<string, string | number>, value);
    } catch (err) {
      // a part that cannot be told keeps its last values
      this.#options.log.warn({ err, family: name }, 'a metric could not be gathered');
    }
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text.trim()).digest();
