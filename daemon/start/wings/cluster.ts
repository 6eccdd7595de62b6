import { AgentFile } from '#daemon/cluster/agent-file.ts';
import { OriginReporter } from '#daemon/cluster/origin.ts';
import { clusterRepository } from '#daemon/cluster/repository.ts';
import { ClusterService } from '#daemon/cluster/service.ts';
import { publicBase } from '#daemon/platform/settings.ts';
import type { Platform } from './platform.ts';

export type Cluster = ReturnType<typeof createCluster>;

/** Creates the wing that knows the nodes, their liveness, and where rooms are placed. */
export function createCluster({ settings, db, quickDb, events, background, clockWatch, log }: Platform) {
  const cluster = new ClusterService({
    config: settings,
    repository: clusterRepository(db, quickDb),
    events,
    background,
    clock: clockWatch.clock,
    retentionNow: clockWatch.retentionNow,
    log: log.child({ source: 'cluster' }),
  });
  clockWatch.onJump((ms) => cluster.clockJumped(ms));
  const origin = new OriginReporter({
    cluster,
    url: () => publicBase(settings) ?? '',
    metricsUrl: () => settings.livekitMetricsUrl,
    background,
    log: log.child({ source: 'cluster' }),
  });
  let isRunning = false;
  settings.onChange(['clusterToken', 'livekitMetricsUrl'], () => {
    if (isRunning) origin.start();
  });
  return {
    cluster,
    /** The edge agent and its install script, as served to machines. */
    agentFile: new AgentFile(),
    start() {
      cluster.start();
      origin.start();
      isRunning = true;
    },
    async stop() {
      isRunning = false;
      origin.stop();
      await cluster.stop();
    },
  };
}
