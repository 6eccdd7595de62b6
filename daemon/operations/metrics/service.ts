import { createHash, timingSafeEqual } from 'node:crypto';
import type { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Log } from '#daemon/platform/log.ts';
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
  /** Empty = metrics are off: nothing is counted and the library is never loaded. */
  token: string;
  /** Include process metrics. */
  defaults: boolean;
  log: Log<'warn'>;
}

type Collector = () => Iterable<Sample> | Promise<Iterable<Sample>>;

/** Counts what happens and tells it to Prometheus. */
export class MetricsService {
  readonly isEnabled: boolean;
  readonly #options: MetricsOptions;
  readonly #digest: Buffer;
  readonly #collectors = new Map<GaugeName, Collector>();
  readonly #families = new Map<FamilyName, Counter | Gauge | Histogram>();
  #registry: Registry | undefined;

  constructor(options: MetricsOptions) {
    this.#options = options;
    this.isEnabled = options.token.trim() !== '';
    this.#digest = digest(options.token);
  }

  async start(): Promise<void> {
    if (!this.isEnabled) return;
    const { default: client } = await import('prom-client');
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
    if (this.#options.defaults) client.collectDefaultMetrics({ register: registry });
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
    if (token === undefined || !timingSafeEqual(digest(token), this.#digest)) throw new ApiError('METRICS_FORBIDDEN');
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
