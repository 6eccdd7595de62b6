import type { GpuStatus } from '#shared/schema/gpu.ts';
import { type AppFootprint, VOD_STATUSES } from '../system/app-scan.ts';
import type { Sample } from './families.ts';
import type { MetricsService } from './service.ts';

export interface CollectorSources {
  metrics: MetricsService;
  apps(): Iterable<{ name: string; tenantId: string }>;
  footprints(): AppFootprint[] | Promise<AppFootprint[]>;
  gpu(): GpuStatus | undefined;
  nodes(): { byStatus: Readonly<Record<string, number>>; stale: number };
  jobs(): { kind: string; state: string; count: number }[];
  threads(): number;
}

/** Gauges that are read from what the daemon knows anyway. */
export function addCollectors({ metrics, apps, footprints, gpu, nodes, jobs, threads }: CollectorSources): void {
  metrics.collect('apps', () => {
    const byTenant = new Map<string, number>();
    for (const { tenantId } of apps()) byTenant.set(tenantId, (byTenant.get(tenantId) ?? 0) + 1);
    return [...byTenant].map(([tenant, value]) => ({ labels: { tenant }, value }));
  });
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
  metrics.collect('nodes', () =>
    Object.entries(nodes().byStatus).map(([status, value]) => ({ labels: { status }, value })),
  );
  metrics.collect('nodes_stale', () => [{ value: nodes().stale }]);
  metrics.collect('jobs', () => jobs().map(({ kind, state, count }) => ({ labels: { kind, state }, value: count })));
  metrics.collect('worker_threads', () => [{ value: threads() }]);
}

async function each(
  footprints: CollectorSources['footprints'],
  samples: (footprint: AppFootprint) => Sample[],
): Promise<Sample[]> {
  return (await footprints()).flatMap(samples);
}
