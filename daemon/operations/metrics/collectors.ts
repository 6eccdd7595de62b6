import type { GpuStatus } from '#shared/schema/gpu.ts';
import type { Quotas } from '#shared/schema/teams.ts';
import { VOD_STATUSES } from '#shared/schema/vods.ts';
import type { AppFootprint } from '../system/app-scan.ts';
import type { Sample } from './families.ts';
import type { MetricsService } from './service.ts';

export interface CollectorSources {
  metrics: MetricsService;
  apps(): Iterable<{ name: string; tenantId: string }>;
  /** Teams with their limits; -1 = none. */
  quotas(): Iterable<{ tenant: string; quotas: Quotas }>;
  footprints(): AppFootprint[] | Promise<AppFootprint[]>;
  gpu(): GpuStatus | undefined;
  /** Null while LiveKit is not configured. */
  livekit(): { isReachable: boolean } | null;
  /** Of DATA_DIR; null when it cannot be read. */
  disk(): Promise<{ freeBytes: number; totalBytes: number } | null>;
  nodes(): { byStatus: Readonly<Record<string, number>>; stale: number };
  /** Of nodes where something is measured. */
  nodeQuality(): { node: string; score: number }[];
  jobs(): { kind: string; state: string; count: number }[];
  threads(): number;
}

/** Gauges that are read from what the daemon knows anyway. */
export function addCollectors(sources: CollectorSources): void {
  const { metrics, apps, footprints, gpu, livekit, disk, nodes, jobs, threads } = sources;
  metrics.collect('apps', () => {
    const byTenant = new Map<string, number>();
    for (const { tenantId } of apps()) byTenant.set(tenantId, (byTenant.get(tenantId) ?? 0) + 1);
    return [...byTenant].map(([tenant, value]) => ({ labels: { tenant }, value }));
  });
  metrics.collect('tenant_quota', () =>
    [...sources.quotas()].flatMap(({ tenant, quotas }) =>
      QUOTAS.map(([metric, key]) => ({ labels: { tenant, metric }, value: quotas[key] })),
    ),
  );
  metrics.collect('tenant_usage', async () => tenantUsage(sources, await footprints()));
  metrics.collect('active_streams', () =>
    each(footprints, ({ app, activeStreams }) => [{ labels: { app }, value: activeStreams }]),
  );
  metrics.collect('upload_queue_depth', () =>
    each(footprints, ({ app, vods }) => [{ labels: { app }, value: vods.recording + vods.uploading }]),
  );
  metrics.collect('vods', () =>
    each(footprints, ({ app, vods }) =>
      VOD_STATUSES.map((status) => ({ labels: { app, status }, value: vods[status] })),
    ),
  );
  metrics.collect('gpu_available', () => {
    const found = gpu();
    if (found === undefined) return [];
    return ['nvidia', 'vaapi', 'none'].map((type) => ({ labels: { type }, value: found.type === type ? 1 : 0 }));
  });
  metrics.collect('livekit_reachable', () => {
    const found = livekit();
    return found === null ? [] : [{ value: found.isReachable ? 1 : 0 }];
  });
  metrics.collect('disk_free_bytes', async () => valuesOf((await disk())?.freeBytes));
  metrics.collect('disk_total_bytes', async () => valuesOf((await disk())?.totalBytes));
  metrics.collect('nodes', () =>
    Object.entries(nodes().byStatus).map(([status, value]) => ({ labels: { status }, value })),
  );
  metrics.collect('nodes_stale', () => [{ value: nodes().stale }]);
  metrics.collect('node_quality_score', () =>
    sources.nodeQuality().map(({ node, score }) => ({ labels: { node }, value: score })),
  );
  metrics.collect('jobs', () => jobs().map(({ kind, state, count }) => ({ labels: { kind, state }, value: count })));
  metrics.collect('worker_threads', () => [{ value: threads() }]);
}

const valuesOf = (value: number | undefined): Sample[] => (value === undefined ? [] : [{ value }]);

/** Names of quotas as labels. */
const QUOTAS = [
  ['apps', 'maxApps'],
  ['concurrent_streams', 'maxConcurrentStreams'],
  ['recording_minutes_month', 'maxRecordingMinutesMonth'],
  ['egress_gb_month', 'maxEgressGbMonth'],
  ['storage_gb', 'maxStorageGb'],
] as const satisfies [string, keyof Quotas][];
const GB = 1_000_000_000;

/** From the same look at the apps' databases as the other gauges. What nobody measures, bytes sent, is not told. */
function tenantUsage({ apps, quotas }: CollectorSources, footprints: readonly AppFootprint[]): Sample[] {
  const byApp = new Map(footprints.map((footprint) => [footprint.app, footprint]));
  const sums = new Map([...quotas()].map(({ tenant }) => [tenant, [0, 0, 0, 0] as [number, number, number, number]]));
  for (const { name, tenantId } of apps()) {
    const sum = sums.get(tenantId);
    const footprint = byApp.get(name);
    if (sum === undefined) continue;
    sum[0] += 1;
    sum[1] += footprint?.activeStreams ?? 0;
    sum[2] += (footprint?.recordedSecondsMonth ?? 0) / 60;
    sum[3] += (footprint?.vodBytes ?? 0) / GB;
  }
  const names = ['apps', 'concurrent_streams', 'recording_minutes_month', 'storage_gb'];
  return [...sums].flatMap(([tenant, sum]) =>
    names.map((metric, index) => ({ labels: { tenant, metric }, value: sum[index] as number })),
  );
}

async function each(
  footprints: CollectorSources['footprints'],
  samples: (footprint: AppFootprint) => Sample[],
): Promise<Sample[]> {
  return (await footprints()).flatMap(samples);
}
