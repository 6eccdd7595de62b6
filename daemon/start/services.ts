import path from 'node:path';
import type { Logger } from 'pino';
import { ConfigService } from '#daemon/apps/config/service.ts';
import { PresetService } from '#daemon/apps/presets/service.ts';
import { AppDeletion } from '#daemon/apps/registry/deletion.ts';
import { appRepository } from '#daemon/apps/registry/repository.ts';
import { AppService } from '#daemon/apps/registry/service.ts';
import { SecretStore } from '#daemon/apps/secrets/store.ts';
import { AppFiles } from '#daemon/apps/storage/app-files.ts';
import { FileLinks } from '#daemon/apps/storage/file-links.ts';
import { maskKey, maskSecret } from '#daemon/apps/storage/mask.ts';
import { Purger } from '#daemon/apps/storage/purger.ts';
import { StorageService } from '#daemon/apps/storage/service.ts';
import { AgentFile } from '#daemon/cluster/agent-file.ts';
import { OriginReporter } from '#daemon/cluster/origin.ts';
import { clusterRepository } from '#daemon/cluster/repository.ts';
import { ClusterService } from '#daemon/cluster/service.ts';
import { auditRepository } from '#daemon/identity/audit/repository.ts';
import { AuditTrail } from '#daemon/identity/audit/service.ts';
import { SessionSecret } from '#daemon/identity/auth/session-secret.ts';
import { tokenRepository } from '#daemon/identity/tokens/repository.ts';
import { TokenService } from '#daemon/identity/tokens/service.ts';
import { ConnectionTests } from '#daemon/operations/connections/service.ts';
import { ConsoleService } from '#daemon/operations/console/service.ts';
import { GpuService } from '#daemon/operations/gpu/service.ts';
import probeGpu from '#daemon/operations/gpu/tasks/gpu-probe.ts';
import { GPU_PROBE } from '#daemon/operations/gpu/tasks.ts';
import { hasGpuTraces } from '#daemon/operations/gpu/traces.ts';
import { type DataDir, prepareDataDir } from '#daemon/platform/data-dir.ts';
import { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import { migrate } from '#daemon/platform/db/migrate.ts';
import { type Db, openDatabase } from '#daemon/platform/db/open.ts';
import { registryMigrations } from '#daemon/platform/db/registry/index.ts';
import { EventBus } from '#daemon/platform/events/bus.ts';
import { EventService } from '#daemon/platform/events/service.ts';
import { jobRepository } from '#daemon/platform/jobs/repository.ts';
import { JobService } from '#daemon/platform/jobs/service.ts';
import type { Logging } from '#daemon/platform/logs/logger.ts';
import { Scrubber } from '#daemon/platform/logs/scrub.ts';
import type { SecretRegistry } from '#daemon/platform/logs/secret-registry.ts';
import { LogService } from '#daemon/platform/logs/service.ts';
import { BUILT_IN_PLUGINS, PACKAGE_ROOT } from '#daemon/platform/paths.ts';
import type { CredentialResolver } from '#daemon/platform/principal.ts';
import { publicBase, type Settings } from '#daemon/platform/settings.ts';
import { WorkerPool } from '#daemon/platform/workers/pool.ts';
import { pluginRepository } from '#daemon/plugins/repository.ts';
import { PluginService } from '#daemon/plugins/service.ts';
import { createIdentity, type Identity } from './identity.ts';
import { createMedia, type Media } from './media.ts';
import { createObservability, type Observability } from './observability.ts';

/** Everything the routes call. Built by hand, in order of need. */
export interface Services extends Omit<Identity, 'start' | 'stop'>, Media, Observability {
  settings: Settings;
  dir: DataDir;
  log: Logger;
  /** Values registered here never appear in a log line. */
  logSecrets: SecretRegistry;
  db: Db;
  databases: AppDatabases;
  events: EventBus;
  /** The event log and its readers. */
  eventStream: EventService;
  pool: WorkerPool;
  apps: AppService;
  tokens: TokenService;
  secrets: SecretStore;
  config: ConfigService;
  plugins: PluginService;
  presets: PresetService;
  storage: StorageService;
  /** Recordings in the apps' own folders. */
  appFiles: AppFiles;
  deletion: AppDeletion;
  jobs: JobService;
  logs: LogService;
  gpu: GpuService;
  audit: AuditTrail;
  /** Port and address that are listened on, known once they are. */
  listening: { port: number; url: string };
  /** Nodes, their liveness, and where rooms are placed. */
  cluster: ClusterService;
  /** The edge agent and its install script, as served to machines. */
  agentFile: AgentFile;
  connections: ConnectionTests;
  /** The web console as it is served at `/`. */
  console: ConsoleService;
  /** Asked in order for each Bearer value. */
  resolvers: CredentialResolver[];
  /** True when the registry database was made by this start. */
  isFirstStart: boolean;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** The composition root: opens the databases and wires the capabilities; nothing runs before `start()`. */
export function createServices(settings: Settings, logging: Logging): Services {
  const { log } = logging;
  const dir = prepareDataDir(settings.dataDir);
  const db = openDatabase(dir.registry);
  migrate(db, registryMigrations);
  const isFirstStart = db.prepare("SELECT count(*) FROM streamhub_meta WHERE key = 'seeded'").pluck().get() === 0;
  const databases = new AppDatabases(dir.apps);
  const events = new EventBus((err) => log.error({ err }, 'an event listener failed'));
  const pool = new WorkerPool();
  const apps = new AppService({
    appsDir: dir.apps,
    repository: appRepository(db),
    databases,
    events,
    // the YAML library is loaded when the first app is made, not at start
    checkQuota: (principal, tenantId, pending) => identity.quotas.checkApps(principal, tenantId, pending),
    renderConfig: async (name, options) =>
      (await import('#shared/config/scaffold.ts')).renderDefaultConfig(name, options),
    log,
  });
  const tokens = new TokenService({ repository: tokenRepository(db), appById: (id) => apps.registry.byId(id), events });
  const secrets = new SecretStore({
    file: dir.secrets,
    env: settings.appSecrets,
    log,
    conceal: (value) => logging.secrets.add(value),
  });
  const jobRows = jobRepository(db);
  const jobs = new JobService({ repository: jobRows, events, log });
  const logs = new LogService({
    logging,
    apps: {
      idOf: (name) => apps.registry.get(name)?.id,
      exists: (id) => apps.registry.byId(id) !== undefined,
      idsOfTenant: (tenantId) => apps.registry.list(tenantId).map((app) => app.id),
      require: (name) => apps.require(name),
    },
    dir: dir.logs,
    maxBytes: settings.logMaxBytes,
    maxFiles: settings.logMaxFiles,
    retentionDays: settings.logRetentionDays,
    maxRows: settings.logMaxRows,
    countLost: (lines) => metrics.count('log_lines_lost_total', {}, lines),
    live: {
      isHeard: () => eventStream.isHeard('logs'),
      show: (row) => {
        const app = row.appId === null ? undefined : apps.registry.byId(row.appId);
        events.publish({
          type: 'log.line',
          ...(app ? { app: app.name, tenant: app.tenantId } : {}),
          data: { ...row },
          live: true,
        });
      },
    },
  });
  const resolvers: CredentialResolver[] = [tokens];
  const eventStream = new EventService({
    file: path.join(dir.data, 'events.db'),
    bus: events,
    findApp: (name) => apps.registry.get(name),
    resolvers,
    log: log.child({ source: 'events' }),
  });
  const gpu = new GpuService({
    probe: async () => {
      // a thread is worth its memory only where there is something to run in it
      const isTrivial = settings.gpuDisable || !(await hasGpuTraces());
      return isTrivial ? probeGpu({ disabled: settings.gpuDisable }) : pool.run(GPU_PROBE, {});
    },
  });
  const cluster = new ClusterService({
    config: settings,
    repository: clusterRepository(db, openDatabase(dir.registry, { durability: 'normal' })),
    events,
    log: log.child({ source: 'cluster' }),
  });
  const origin = new OriginReporter({
    cluster,
    url: publicBase(settings) ?? '',
    metricsUrl: settings.livekitMetricsUrl,
    log: log.child({ source: 'cluster' }),
  });
  const webConsole = new ConsoleService(PACKAGE_ROOT, log.child({ source: 'console' }));
  const policy = { denyPrivate: settings.denyPrivateEndpoints };
  const plugins = new PluginService({
    pool,
    roots: [
      { dir: BUILT_IN_PLUGINS, origin: 'built-in' },
      { dir: dir.plugins, origin: 'installed' },
    ],
    repository: pluginRepository(db),
    events,
    policy,
    limits: {
      memoryMb: settings.pluginMemoryMb,
      loadSeconds: settings.pluginLoadSeconds,
      callSeconds: settings.pluginCallSeconds,
      idleSeconds: settings.pluginIdleSeconds,
      sandbox: settings.pluginSandbox as 'auto' | 'off',
    },
    isSafeMode: settings.safeMode,
    log: log.child({ source: 'plugins' }),
  });
  const config = new ConfigService({
    apps,
    pool,
    events,
    secrets,
    databases,
    logSecrets: logging.secrets,
    policy,
    providers: () => plugins.knownProviderIds(),
    maskedSecrets: (app) => ({
      s3AccessKey: maskKey(secrets.get(app, 's3AccessKey')),
      s3SecretKey: maskSecret(secrets.get(app, 's3SecretKey')),
      callbackSecret: maskSecret(secrets.get(app, 'callbackSecret')),
      mqttPassword: maskSecret(secrets.get(app, 'mqttPassword')),
    }),
    gpu: () => gpu.peek(),
    hwaccel: settings.transcodingHwaccel,
    log: log.child({ source: 'config' }),
  });
  const presets = new PresetService({ apps, config, plugins });
  const purger = new Purger({
    pool,
    plugins,
    policy,
    configFolders: { apps: dir.apps, archive: dir.archive },
    databaseFile: (app) => databases.file(app),
    appFolder: (app) => apps.dir(app),
    block: async (app) => (await config.get(app)).s3,
    credentials: (app) => ({ ...storage.credentials(app) }),
    onRefused: (count) => metrics.count('s3_errors_total', { op: 'delete' }, count),
  });
  const sessionSecret = new SessionSecret(settings.jwtSecret, dir.data);
  const appFiles = new AppFiles({
    apps,
    links: new FileLinks({
      key: sessionSecret.derive('file links'),
      base: () => publicBase(settings) ?? listening.url,
    }),
  });
  const storage = new StorageService({
    config,
    secrets,
    plugins,
    purger,
    pool,
    policy,
    files: appFiles,
    appFolder: (app) => apps.dir(app),
    onRefused: (op) => metrics.count('s3_errors_total', { op }),
  });
  const deletion = new AppDeletion({
    apps,
    appsDir: dir.apps,
    archiveDir: dir.archive,
    databases,
    jobs,
    secrets,
    purger,
    endMedia: async (app) => {
      await media.ingests.removeAll(app);
      await media.recording.endAll(app);
    },
    releaseConfig: (app) => config.close(app),
    log: log.child({ source: 'apps' }),
  });
  const listening = { port: settings.port, url: '' };
  const identity = createIdentity({
    settings,
    db,
    secret: sessionSecret,
    databases,
    events,
    apps: () => apps,
    ownUrl: () => listening.url,
    log: log.child({ source: 'auth' }),
  });
  resolvers.push(identity.sessions);
  const audit = new AuditTrail({
    repository: auditRepository(db),
    tenantOf: (name) => apps.registry.get(name)?.tenantId,
    retentionDays: settings.auditRetentionDays,
    log: log.child({ source: 'audit' }),
  });
  events.subscribe((event) => audit.hear(event));
  const scrubber = new Scrubber(logging.secrets);
  const media = createMedia({
    settings,
    apps,
    databases,
    config,
    secrets,
    storage,
    cluster,
    logs,
    events,
    policy,
    quotas: identity.mediaQuotas,
    clean: (text) => scrubber.text(text),
    log,
  });
  const observability = createObservability({
    settings,
    dir,
    db,
    apps,
    databases,
    config,
    cluster,
    events,
    identity,
    media,
    gpu,
    jobCounts: () => jobRows.counts(),
    threads: () => pool.threads,
    port: () => listening.port,
    log,
  });
  const { metrics } = observability;
  const connections = new ConnectionTests({
    settings,
    livekit: media.livekit,
    mailer: identity.mailer,
    log: log.child({ source: 'connections' }),
  });
  events.subscribe((event) => {
    if (event.type !== 'app.deleted') return;
    tokens.forgetApp(event.data['id'] as number);
    void logs.forgetApp(event.data['id'] as number);
    if (event.app !== undefined) void config.close(event.app);
  });

  return {
    ...identity,
    ...media,
    audit,
    settings,
    dir,
    log,
    logSecrets: logging.secrets,
    db,
    databases,
    events,
    eventStream,
    pool,
    apps,
    tokens,
    secrets,
    config,
    plugins,
    presets,
    storage,
    appFiles,
    deletion,
    jobs,
    logs,
    gpu,
    ...observability,
    connections,
    listening,
    cluster,
    agentFile: new AgentFile(),
    console: webConsole,
    resolvers,
    isFirstStart,
    async start() {
      eventStream.start();
      logs.start();
      await observability.startObservability();
      await secrets.start();
      await apps.start();
      tokens.start();
      identity.start();
      audit.start();
      await plugins.start();
      deletion.start();
      jobs.start();
      gpu.start();
      config.start();
      cluster.start();
      origin.start();
      media.startMedia();
    },
    async stop() {
      webConsole.stop();
      await media.stopMedia();
      origin.stop();
      await observability.stopObservability();
      await cluster.stop();
      await jobs.stop();
      tokens.stop();
      await identity.stop();
      await config.stop();
      await pool.close();
      await plugins.stop();
      await logs.stop();
      eventStream.stop();
      audit.stop();
      databases.closeAll();
      db.pragma('wal_checkpoint(TRUNCATE)');
      db.close();
    },
  };
}
