import type { Principal } from '#daemon/platform/principal.ts';
import type { QuotaMetric } from '#shared/schema/teams.ts';
import type { QuotaService } from './quotas.ts';
import type { UsageService } from './usage.ts';

export interface MediaQuotasDeps {
  quotas: QuotaService;
  usage: Pick<UsageService, 'of' | 'liveStreams'>;
}

/** The part that services need which grant the right to publish. */
export type PublishQuota = Pick<MediaQuotas, 'checkPublish'>;

/**
 * Quotas of what LiveKit carries, tested where the daemon has a say: when somebody asks for the right to publish, and when
 * a recording begins. What is under way is never cut off. What viewers receive does not pass the daemon and is not counted.
 * @remarks `principal` null = what the team's app does by itself. Each method throws ApiError QUOTA_EXCEEDED.
 */
export class MediaQuotas {
  readonly #deps: MediaQuotasDeps;

  constructor(deps: MediaQuotasDeps) {
    this.#deps = deps;
  }

  /** One more stream of the team? A publisher who is live already and comes back under the same identity does not count twice. */
  async checkPublish(
    principal: Principal | null,
    tenantId: string,
    publisher: { room: string; identity: string },
  ): Promise<void> {
    const { quotas, usage } = this.#deps;
    const limit = quotas.limitFor(principal, tenantId, 'maxConcurrentStreams');
    if (limit === undefined) return;
    const { others, total } = await usage.liveStreams(tenantId, publisher);
    if (others >= limit) quotas.refuse(tenantId, 'maxConcurrentStreams', limit, total);
  }

  /** One more recording of the team: minutes of this month, and space. */
  async checkRecording(principal: Principal | null, tenantId: string): Promise<void> {
    const { quotas, usage } = this.#deps;
    const limits = (['maxRecordingMinutesMonth', 'maxStorageGb'] as const satisfies QuotaMetric[]).map(
      (metric) => [metric, quotas.limitFor(principal, tenantId, metric)] as const,
    );
    if (limits.every(([, limit]) => limit === undefined)) return;
    const { recordingMinutesMonth, storageGb } = await usage.of(tenantId);
    const used = { maxRecordingMinutesMonth: recordingMinutesMonth, maxStorageGb: storageGb };
    for (const [metric, limit] of limits) {
      if (limit !== undefined && used[metric] >= limit) quotas.refuse(tenantId, metric, limit, used[metric]);
    }
  }
}
