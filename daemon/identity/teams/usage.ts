import { boundedCache } from '#daemon/platform/bounded-cache.ts';
import { type Clock, SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import { recordedLength, recordedSince, STORED_BYTES } from '#daemon/platform/db/app/sums.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import { prepared } from '#daemon/platform/db/prepared.ts';
import type { Log } from '#daemon/platform/log.ts';
import { METRICS, type QuotaMetric, type Quotas, type TenantUsage, type Usage } from '#shared/schema/teams.ts';
import type { QuotaService } from './quotas.ts';

const FRESH_MS = 30_000;
const GB = 1_000_000_000;

export interface UsageDeps {
  appsOf(tenantId: string): readonly { name: string }[];
  database(app: string): Db;
  quotas: QuotaService;
  log: Log<'warn'>;
  clock?: Clock;
}

interface LiveStreams {
  total: number;
  /** Those of the named publisher. */
  own: number;
}

const liveStreams = prepared((db) =>
  db.prepare<[{ room: string; identity: string }], LiveStreams>(
    `SELECT count(*) AS total, coalesce(sum(room = @room AND participant = @identity), 0) AS own
     FROM streams WHERE status = 'active'`,
  ),
);

interface Measured {
  streams: number;
  recordingSeconds: number;
  bytes: number;
}

/**
 * What a team uses, added up from its apps' databases with a breath between apps: at most twice a minute for a team, and
 * again after a recording began, ended or went.
 */
export class UsageService {
  readonly #deps: UsageDeps;
  readonly #known = boundedCache<string, { at: number; usage: Promise<Usage> }>(1000);

  constructor(deps: UsageDeps) {
    this.#deps = deps;
  }

  async of(tenantId: string): Promise<Usage> {
    const clock = this.#deps.clock ?? SYSTEM_CLOCK;
    const now = clock.now();
    const mono = clock.monotonic();
    const known = this.#known.get(tenantId);
    const count = this.#deps.appsOf(tenantId).length;
    if (known !== undefined && mono - known.at < FRESH_MS) return { ...(await known.usage), apps: count };
    const usage = this.#measure(tenantId, now);
    this.#known.set(tenantId, { at: mono, usage });
    usage.catch(() => this.#known.delete(tenantId));
    return usage;
  }

  async withQuotas(tenantId: string, plan: string): Promise<TenantUsage> {
    const usage = await this.of(tenantId);
    const quotas = this.#deps.quotas.of(tenantId);
    return { tenantId, plan, quotas, usage, exceeded: exceeded(quotas, usage) };
  }

  /** Forgets what was measured, because recordings changed. */
  forget(tenantId: string): void {
    this.#known.delete(tenantId);
  }

  /** Streams of the team that are live now, and how many of them are not the named publisher's. Never remembered. */
  async liveStreams(
    tenantId: string,
    publisher: { room: string; identity: string },
  ): Promise<{ total: number; others: number }> {
    let total = 0;
    let own = 0;
    for (const [index, { name }] of [...this.#deps.appsOf(tenantId)].entries()) {
      try {
        const live = liveStreams(this.#deps.database(name)).get(publisher) as LiveStreams;
        total += live.total;
        own += live.own;
      } catch (err) {
        this.#deps.log.warn({ app: name, err }, 'app.db cannot be read; its streams are not counted');
      }
      if (index % 16 === 15) await new Promise((resolve) => setImmediate(resolve));
    }
    return { total, others: total - own };
  }

  async #measure(tenantId: string, now: number): Promise<Usage> {
    const month = `${new Date(now).toISOString().slice(0, 7)}-01T00:00:00.000Z`;
    const sum: Measured = { streams: 0, recordingSeconds: 0, bytes: 0 };
    const apps = [...this.#deps.appsOf(tenantId)];
    for (const { name } of apps) {
      const one = this.#measureApp(name, month, new Date(now).toISOString());
      sum.streams += one.streams;
      sum.recordingSeconds += one.recordingSeconds;
      sum.bytes += one.bytes;
      await new Promise((resolve) => setImmediate(resolve));
    }
    return {
      apps: apps.length,
      concurrentStreams: sum.streams,
      recordingMinutesMonth: Math.round(sum.recordingSeconds / 6) / 10,
      egressGbMonth: null,
      storageGb: Math.round((sum.bytes / GB) * 1000) / 1000,
      measuredAt: new Date(now).toISOString(),
    };
  }

  /** A recording that runs counts up to now. */
  #measureApp(app: string, month: string, now: string): Measured {
    try {
      return this.#deps
        .database(app)
        .prepare<[Record<string, string>], Measured>(
          `SELECT (SELECT count(*) FROM streams WHERE status = 'active') AS streams,
                  ${recordedSince('@month', recordedLength('@now'))} AS recordingSeconds,
                  ${STORED_BYTES} AS bytes FROM vods`,
        )
        .get({ month, now }) as Measured;
    } catch (err) {
      this.#deps.log.warn({ app, err }, 'app.db cannot be read; its usage is not counted');
      return { streams: 0, recordingSeconds: 0, bytes: 0 };
    }
  }
}

function exceeded(quotas: Quotas, usage: Usage): QuotaMetric[] {
  const used: Record<QuotaMetric, number | null> = {
    maxApps: usage.apps,
    maxConcurrentStreams: usage.concurrentStreams,
    maxRecordingMinutesMonth: usage.recordingMinutesMonth,
    maxEgressGbMonth: usage.egressGbMonth,
    maxStorageGb: usage.storageGb,
  };
  return METRICS.filter((metric) => quotas[metric] >= 0 && (used[metric] ?? 0) >= quotas[metric]);
}
