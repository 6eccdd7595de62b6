import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from 'pino';
import type { AppService } from './apps/service.ts';
import type { ClusterService } from './cluster/service.ts';
import type { ConfigService } from './config/service.ts';
import type { DataDir } from './data-dir.ts';
import type { AppDatabases } from './db/app-databases.ts';
import type { Db } from './db/open.ts';
import type { EventBus } from './events/bus.ts';
import type { GpuService } from './gpu/service.ts';
import { HistoryService } from './history/service.ts';
import type { Identity } from './identity.ts';
import type { Media } from './media.ts';
import { addCollectors, type CollectorSources } from './metrics/collectors.ts';
import { addMediaMetrics } from './metrics/media.ts';
import { MetricsService } from './metrics/service.ts';
import type { Settings } from './settings.ts';
import { AppScan } from './system/app-scan.ts';
import { HealthService } from './system/health.ts';
import { type LiveKitProbe, LiveKitStatusProbe } from './system/livekit-probe.ts';
import { SettingsService } from './system/settings.ts';
import { StatsService } from './system/stats.ts';

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
