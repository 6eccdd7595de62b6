import { access, constants, statfs } from 'node:fs/promises';
import path from 'node:path';
import { addressOptions } from '#daemon/identity/security/service.ts';
import { ConnectionTests } from '#daemon/operations/connections/service.ts';
import { BuiltPages } from '#daemon/operations/console/built-pages.ts';
import { SITE } from '#daemon/operations/console/clone-builder.ts';
import { GpuService } from '#daemon/operations/gpu/service.ts';
import probeGpu from '#daemon/operations/gpu/tasks/gpu-probe.ts';
import { GPU_PROBE } from '#daemon/operations/gpu/tasks.ts';
import { hasGpuTraces } from '#daemon/operations/gpu/traces.ts';
import { HistoryService } from '#daemon/operations/history/service.ts';
import { ManagedLiveKitService } from '#daemon/operations/livekit/service.ts';
import { addCollectors } from '#daemon/operations/metrics/collectors.ts';
import { addMediaMetrics } from '#daemon/operations/metrics/media.ts';
import { MetricsService } from '#daemon/operations/metrics/service.ts';
import { NodeQualityService } from '#daemon/operations/quality/service.ts';
import { SearchService } from '#daemon/operations/search/service.ts';
import { AppScan } from '#daemon/operations/system/app-scan.ts';
import { HealthService } from '#daemon/operations/system/health.ts';
import { LiveKitStatusProbe } from '#daemon/operations/system/livekit-probe.ts';
import { SettingsService } from '#daemon/operations/system/settings.ts';
import { SettingsEditor } from '#daemon/operations/system/settings-editor.ts';
import { StatsService } from '#daemon/operations/system/stats.ts';
import { MonthUsageService } from '#daemon/operations/usage/service.ts';
import { SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import { metaStore } from '#daemon/platform/db/meta.ts';
import { modeOf } from '#daemon/platform/db/open.ts';
import { Mailer } from '#daemon/platform/mail/mailer.ts';
import { PACKAGE_ROOT } from '#daemon/platform/paths.ts';
import { startTracing } from '#daemon/platform/tracing.ts';
import { isStale } from '#shared/rules/nodes.ts';
import type { Apps } from './apps.ts';
import type { Cluster } from './cluster.ts';
import type { Identity } from './identity.ts';
import type { Media } from './media.ts';
import type { Platform } from './platform.ts';

/** When someone first watched a stream. */
const FIRST_VIEWER = 'first_viewer.at';
/** With less than this, SQLite can't write any more. */
const MIN_FREE_BYTES = 512 * 1024;

/** Creates the wing for operators: health, stats and their history, metrics, GPU, connection tests and the web console. */
export function createOperations(
  {
    settings,
    settingsStore,
    secretFile,
    logSecrets,
    dir,
    db,
    databases,
    events,
    background,
    clockWatch,
    counts,
    pool,
    jobCounts,
    listening,
    warnings,
    log,
  }: Platform,
  { tenants, quotas, mailer, guard }: Identity,
  { cluster }: Cluster,
  { apps: { registry }, config, delivery }: Apps,
  media: Media,
) {
  const gpu = new GpuService({
    probe: async () => {
      // a thread is worth its memory only where there is something to run in it
      const isTrivial = settings.gpuDisable || !(await hasGpuTraces());
      return isTrivial ? probeGpu({ disabled: settings.gpuDisable }) : pool.run(GPU_PROBE, {});
    },
    wait: (ms) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      background.after('GPU probe', ms, resolve);
      return promise;
    },
  });
  config.readGpuFrom(gpu);
  delivery.readGpuFrom(gpu);
  const health = new HealthService();
  const livekitProbe = new LiveKitStatusProbe(media.livekit);
  const stats = new StatsService({
    dataDir: dir.root,
    registryFile: dir.registry,
    visible: (apps) => registry.visible(apps),
    appOf: (room) => registry.forRoom(room),
    uptimeSeconds: () => health.uptimeSeconds,
    livekit: livekitProbe,
    scan: new AppScan({
      names: () => [...registry.entries()].map(({ name }) => name),
      file: (name) => databases.file(name),
    }),
  });
  const meta = metaStore(db);
  const managedLiveKit = new ManagedLiveKitService({
    settings,
    store: settingsStore,
    secrets: secretFile,
    meta,
    db,
    node: (id) => cluster.nodes.get(id),
    nodes: () => cluster.nodes.values(),
    isSilent: (node) => isStale(cluster.nodes.health(node)),
    accepts: ([livekitApiKey, livekitApiSecret]) =>
      media
        .openLiveKit({ ...settings, livekitApiKey, livekitApiSecret })
        .listRooms(['\u0001'])
        .then(
          () => true,
          () => false,
        ),
    dataDir: dir.root,
    listening,
    events,
    warnings,
    background,
    log: log.child({ source: 'livekit' }),
    outputLog: log.child({ source: 'livekit-server' }),
  });
  media.livekit.otherPairs = () => managedLiveKit.keys.otherPairs;
  media.livekit.isStarting = () => managedLiveKit.isStarting;
  cluster.settingsFor = (nodeId) => managedLiveKit.nodes.orderFor(nodeId);
  const history = new HistoryService({
    file: path.join(dir.data, 'history.db'),
    stats: () => stats.stats(),
    nodes: () => cluster.nodes.values(),
    background,
    retentionNow: clockWatch.retentionNow,
    log: log.child({ source: 'stats' }),
  });
  const finder = new SearchService({
    apps: registry,
    rooms: media.rooms,
    keeper: media.sessionKeeper,
    identities: media.identities,
    databases,
  });
  const nodeQuality = new NodeQualityService({
    history,
    nodes: () => cluster.nodes.values(),
    require: (id) => cluster.require(id),
  });
  const monthUsage = new MonthUsageService({
    databases,
    apps: registry,
    visible: (which) => registry.visible(which),
    traffic: (from, to) => history.traffic(from, to),
    comparedAt: () => media.reconciler.lastRunAt,
    background,
    clock: SYSTEM_CLOCK,
    retentionNow: clockWatch.retentionNow,
    log: log.child({ source: 'usage' }),
  });
  let wasWatched = meta.get(FIRST_VIEWER) !== undefined;
  events.subscribe(({ type, data }) => {
    if (wasWatched || type !== 'room.counts' || !(data.viewers > 0 && data.publishers > 0)) return;
    meta.set(FIRST_VIEWER, new Date().toISOString());
    wasWatched = true;
  });
  const systemSettings = new SettingsService({
    settings,
    store: settingsStore,
    port: () => listening.port,
    appCount: () => registry.size,
    nodeCount: () => cluster.summary().total,
    registryBytes: () => stats.registryBytes(),
    uptimeSeconds: () => health.uptimeSeconds,
    warnings: () => warnings.list(),
    wasWatched: () => wasWatched,
  });
  const metrics = new MetricsService({
    settings,
    log: log.child({ source: 'metrics' }),
  });
  settings.onChange(['metricsToken'], () => background.run('metrics', () => metrics.start()));
  settings.onChange(['metricsDefaults'], () => {
    metrics.stop();
    background.run('metrics', () => metrics.start());
  });
  const expireLivekit = (): void => {
    livekitProbe.expire();
    stats.expire();
  };
  settings.onChange(['livekitUrl', 'livekitApiKey', 'livekitApiSecret'], expireLivekit);
  events.subscribe(({ type }) => {
    if (type === 'livekit.reachable' || type === 'livekit.unreachable') expireLivekit();
  });
  addCollectors({
    metrics,
    apps: () => registry.entries(),
    quotas: () => tenants.all().map(({ id }) => ({ tenant: id, quotas: quotas.of(id) })),
    footprints: () => stats.footprints(),
    gpu: () => gpu.peek(),
    livekit: () => (media.livekit.isConfigured ? { isReachable: media.livekit.state.status === 'reachable' } : null),
    disk: () => stats.disk(),
    nodes: () => cluster.summary(),
    nodeQuality: () => cluster.qualityScores(),
    jobs: jobCounts,
    threads: () => pool.threads,
  });
  addMediaMetrics({
    metrics,
    bus: events,
    rooms: media.rooms,
    hlsDelays: () => media.liveHls.delays(),
    mqttConnections: () => media.mqtt.connections(),
    appOf: (room) => registry.forRoom(room)?.name,
    gpu: () => gpu.peek(),
    hwaccel: async (app) => {
      const settled = await config.get(app).catch(() => undefined);
      return settled === undefined ? undefined : (settled.transcoding.hwaccel ?? settings.transcodingHwaccel);
    },
  });
  counts.on(
    'logLinesLost',
    background.listener('counts', (lines) => metrics.count('log_lines_lost_total', {}, lines)),
  );
  counts.on(
    'storageRefused',
    background.listener('counts', (op, count) => metrics.count('s3_errors_total', { op }, count)),
  );
  events.subscribe(({ type }) => {
    if (/^(?:app|stream|vod|recording)\./.test(type)) stats.expire();
  });
  health.addCheck('registry', () => void db.prepare('SELECT 1').get());
  health.addCheck('registry file', () =>
    modeOf(db) === 'copy' ? 'opened read-only at the start, because its disk can’t be written' : undefined,
  );
  // the log names the tasks
  health.addCheck('background writes', () => {
    const codes = background.failures().flatMap(({ code, isStorage }) => (isStorage ? [code] : []));
    return codes.length === 0 ? undefined : codes.join(', ');
  });
  health.addCheck('disk space', async () => {
    const { bsize, bavail } = await statfs(dir.data);
    return bsize * bavail < MIN_FREE_BYTES ? 'the disk of the data directory is full' : undefined;
  });
  health.addCheck('data directory', () => access(dir.data, constants.W_OK).then(() => undefined));
  const connections = new ConnectionTests({
    settings,
    livekit: media.livekit,
    mailer,
    openLiveKit: media.openLiveKit,
    openMailer: (wanted) => new Mailer(wanted),
    conceal: (value) => logSecrets.add(value),
    log: log.child({ source: 'connections' }),
  });
  const settingsEditor = new SettingsEditor({
    settings,
    store: settingsStore,
    connections,
    events,
    shutsOut: (wanted, ip) => guard.shutsOut(addressOptions(wanted), ip),
  });
  let stopTracing = async (): Promise<void> => {};
  const webConsole = new BuiltPages(PACKAGE_ROOT, log.child({ source: 'console' }));
  const site = new BuiltPages(PACKAGE_ROOT, log.child({ source: 'docs' }), SITE);

  return {
    gpu,
    connections,
    /** The web console as served at `/`. */
    console: webConsole,
    /** The documentation as served at `/docs`. */
    site,
    health,
    livekitProbe,
    managedLiveKit,
    stats,
    history,
    nodeQuality,
    finder,
    monthUsage,
    systemSettings,
    settingsEditor,
    metrics,
    async start() {
      stopTracing = await startTracing({
        endpoint: settings.otlpEndpoint,
        headers: settings.otlpHeaders,
        serviceName: settings.otelServiceName,
        percent: settings.tracesPercent,
        log: log.child({ source: 'traces' }),
      });
      await managedLiveKit.start();
      await metrics.start();
      history.start();
      monthUsage.start();
      gpu.start();
    },
    async stop() {
      await managedLiveKit.stop();
      webConsole.stop();
      site.stop();
      await monthUsage.stop();
      await history.stop();
      metrics.stop();
      await stopTracing();
    },
  };
}
