import type { Log } from '#daemon/platform/log.ts';
import { PLATFORM, type Principal } from '#daemon/platform/principal.ts';
import { ApiError } from '#shared/errors.ts';
import type { QuotaMetric, Quotas } from '#shared/schema/teams.ts';
import type { TenantStore } from '../people/tenant-store.ts';

const FREE: Quotas = {
  maxApps: 2,
  maxConcurrentStreams: 2,
  maxRecordingMinutesMonth: 300,
  maxEgressGbMonth: 5,
  maxStorageGb: 5,
};
const UNLIMITED: Quotas = {
  maxApps: -1,
  maxConcurrentStreams: -1,
  maxRecordingMinutesMonth: -1,
  maxEgressGbMonth: -1,
  maxStorageGb: -1,
};

export interface QuotaDeps {
  tenants: TenantStore;
  /** Apps that the team has. */
  countApps(tenantId: string): number;
  mode: 'off' | 'log' | 'on';
  log: Log<'warn'>;
}

/** Limits of teams: the plan's, with what was set for the team in particular. */
export class QuotaService {
  readonly #deps: QuotaDeps;

  constructor(deps: QuotaDeps) {
    this.#deps = deps;
  }

  of(tenantId: string): Quotas {
    return { ...(tenantId === PLATFORM ? UNLIMITED : FREE), ...this.#deps.tenants.quotas(tenantId) };
  }

  /**
   * The limit that holds for a caller; undefined where none does: superadmins and API tokens are not limited.
   * @param principal null = what a team's app does by itself
   */
  limitFor(principal: Principal | null, tenantId: string, metric: QuotaMetric): number | undefined {
    if (this.#deps.mode === 'off' || (principal !== null && principal.scope !== 'user')) return undefined;
    const limit = this.of(tenantId)[metric];
    return limit < 0 ? undefined : limit;
  }

  /**
   * May the team have one more app?
   * @param pending apps being created right now
   * @throws ApiError QUOTA_EXCEEDED
   */
  checkApps(principal: Principal | null, tenantId: string, pending = 0): void {
    const limit = this.limitFor(principal, tenantId, 'maxApps');
    if (limit === undefined) return;
    const used = this.#deps.countApps(tenantId);
    if (used + pending >= limit) this.refuse(tenantId, 'maxApps', limit, used);
  }

  /** @throws ApiError QUOTA_EXCEEDED; in mode `log` it only warns */
  refuse(tenantId: string, metric: QuotaMetric, limit: number, used: number): void {
    const { mode, log } = this.#deps;
    if (mode !== 'on') {
      log.warn({ tenant: tenantId, metric, limit, used }, 'would be rejected: quota');
      return;
    }
    throw new ApiError(
      'QUOTA_EXCEEDED',
      { metric, limit },
      { extra: { error: 'quota_exceeded', metric, limit, used } },
    );
  }
}
