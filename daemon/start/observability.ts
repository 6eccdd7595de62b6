import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from 'pino';
import type { ConfigService } from '#daemon/apps/config/service.ts';
import type { AppService } from '#daemon/apps/registry/service.ts';
import type { ClusterService } from '#daemon/cluster/service.ts';
import type { GpuService } from '#daemon/operations/gpu/service.ts';
import { HistoryService } from '#daemon/operations/history/service.ts';
import { addCollectors, type CollectorSources } from '#daemon/operations/metrics/collectors.ts';
import { addMediaMetrics } from '#daemon/operations/metrics/media.ts';
import { MetricsService } from '#daemon/operations/metrics/service.ts';
import { AppScan } from '#daemon/operations/system/app-scan.ts';
import { HealthService } from '#daemon/operations/system/health.ts';
import { type LiveKitProbe, LiveKitStatusProbe } from '#daemon/operations/system/livekit-probe.ts';
import { SettingsService } from '#daemon/operations/system/settings.ts';
import { StatsService } from '#daemon/operations/system/stats.ts';
import type { DataDir } from '#daemon/platform/data-dir.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import type { Settings } from '#daemon/platform/settings.ts';
import type { Identity } from './identity.ts';
import type { Media } from './media.ts';

/** What tells operators how the daemon and its machine are. */
export interface Observability {
  health: HealthService;
  livekitProbe: LiveKitProbe;
  stats: StatsService;
  history: HistoryService;
  systemSettings: SettingsService;
  metrics: MetricsService;
  startObservability(): Promise<void>;
  stopObservability(): Promise<void>;
}

export interface ObservabilityDeps {
  settings: Settings;
  dir: DataDir;
  db: Db;
  apps: AppService;
  databases: AppDatabases;
  config: ConfigService;
  cluster: ClusterService;
  events: EventBus;
  identity: Identity;
  media: Media;
  gpu: GpuService;
  jobCounts: CollectorSources['jobs'];
  /** Threads of the worker pool that are alive. */
  threads(): number;
  /** The port that is listened on. */
  port(): number;
  log: Logger;
}

/** Wires health, stats, their history, the settings as shown, and metrics; nothing runs before `startObservability()`. */
export function createObservability(deps: ObservabilityDeps): Observability {
  const { settings, dir, db, apps, databases, config, cluster, events, identity, media, gpu, log } = deps;
  const health = new HealthService();
  const livekitProbe = new LiveKitStatusProbe(media.livekit);
  const stats = new StatsService({
    dataDir: dir.root,
    registryFile: dir.registry,
    appCount: () => apps.registry.size,
    uptimeSeconds: () => health.uptimeSeconds,
    livekit: livekitProbe,
    scan: new AppScan({
      names: () => [...apps.registry.entries()].map(({ name }) => name),
      file: (name) => databases.file(name),
    }),
  });
  const history = new HistoryService({
    file: path.join(dir.data, 'history.db'),
    stats: () => stats.stats(),
    nodes: () => cluster.nodes.values(),
    log: log.child({ source: 'stats' }),
  });
  const systemSettings = new SettingsService({
    settings,
    port: deps.port,
    appCount: () => apps.registry.size,
    nodeCount: () => cluster.summary().total,
    registryBytes: () => stats.registryBytes(),
    uptimeSeconds: () => health.uptimeSeconds,
  });
  const metrics = new MetricsService({
    token: settings.metricsToken,
    defaults: settings.metricsDefaults,
    log: log.child({ source: 'metrics' }),
  });
  addCollectors({
    metrics,
    apps: () => apps.registry.entries(),
    quotas: () => identity.tenants.all().map(({ id }) => ({ tenant: id, quotas: identity.quotas.of(id) })),
    footprints: () => stats.footprints(),
    gpu: () => gpu.peek(),
    nodes: () => cluster.summary(),
    jobs: deps.jobCounts,
    threads: deps.threads,
  });
  addMediaMetrics({
    metrics,
    bus: events,
    rooms: media.rooms,
    appOf: (room) => apps.registry.forRoom(room)?.name,
    gpu: () => gpu.peek(),
    hwaccel: async (app) => {
      const settled = await config.get(app).catch(() => undefined);
      return settled === undefined ? undefined : (settled.transcoding.hwaccel ?? settings.transcodingHwaccel);
    },
  });
  events.subscribe(({ type }) => {
    if (/^(?:app|stream|vod|recording)\./.test(type)) stats.expire();
  });
  health.addCheck('registry', () => void db.prepare('SELECT 1').get());
  health.addCheck('data directory', () => access(dir.data, constants.W_OK).then(() => undefined));
  return {
    health,
    livekitProbe,
    stats,
    history,
    systemSettings,
    metrics,
    async startObservability() {
      await metrics.start();
      history.start();
    },
    async stopObservability() {
      await history.stop();
      metrics.stop();
    },
  };
}
