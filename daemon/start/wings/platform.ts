import { EventEmitter } from 'node:events';
import path from 'node:path';
import type { Piscina } from 'piscina';
import type { AppRegistry } from '#daemon/apps/registry/registry.ts';
import { Background } from '#daemon/platform/background.ts';
import { ClockWatch } from '#daemon/platform/clock-watch.ts';
import { prepareDataDir, removeDataDirLeftovers } from '#daemon/platform/data-dir.ts';
import { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import { metaStore } from '#daemon/platform/db/meta.ts';
import { type Db, modeOf, openDatabase } from '#daemon/platform/db/open.ts';
import { EventBus } from '#daemon/platform/events/bus.ts';
import { EventService } from '#daemon/platform/events/service.ts';
import { warnAboutFileSystem } from '#daemon/platform/files/file-system.ts';
import { FileJournal } from '#daemon/platform/files/journal.ts';
import { OwnCertificate } from '#daemon/platform/http/own-certificate.ts';
import { jobRepository } from '#daemon/platform/jobs/repository.ts';
import { JobService } from '#daemon/platform/jobs/service.ts';
import type { Logging } from '#daemon/platform/logs/logger.ts';
import { LogService } from '#daemon/platform/logs/service.ts';
import type { CredentialResolver } from '#daemon/platform/principal.ts';
import { SecretFile } from '#daemon/platform/secrets/secret-file.ts';
import { publicBase, type Settings } from '#daemon/platform/settings.ts';
import { SettingsStore } from '#daemon/platform/settings-store.ts';
import { InstallationWarnings } from '#daemon/platform/warnings.ts';
import { WorkerPool } from '#daemon/platform/workers/pool.ts';

/** What lower wings count and the metrics of `operations` add up. */
interface Counts {
  logLinesLost: [lines: number];
  /** Operations that object storage refused: `delete`, `presign`, or a step of a test. */
  storageRefused: [operation: string, count: number];
}

export type Platform = ReturnType<typeof createPlatform>;

const LAST_RUN = 'clock.last_run';
/** Milliseconds between two notes of the time in the registry. */
const NOTE_RUN_MS = 3_600_000;

/** Opens the other databases and creates what every wing uses: events, jobs, logs, the worker pool. */
export function createPlatform(
  settings: Settings,
  logging: Logging,
  db: Db,
  apps: AppRegistry,
  threads?: () => Promise<Piscina>,
) {
  const { log } = logging;
  const dir = prepareDataDir(settings.dataDir);
  const warnings = new InstallationWarnings(log);
  const journal = new FileJournal(path.join(dir.data, 'changes'));
  const secretFile = new SecretFile({ file: dir.secrets, log, conceal: (value) => logging.secrets.add(value) });
  const settingsStore = new SettingsStore({ settings, db, secrets: secretFile, warnings });
  // child loggers keep the level of their start
  log.level = settings.logLevel;
  const isFirstStart = db.prepare("SELECT count(*) FROM streamhub_meta WHERE key = 'seeded'").pluck().get() === 0;
  const databases = new AppDatabases(dir.apps);
  const background = new Background({ log: log.child({ source: 'background' }) });
  const meta = metaStore(db);
  const lastRun = Number(meta.get(LAST_RUN)) || undefined;
  let noted = lastRun ?? 0;
  const clockWatch = new ClockWatch({
    background,
    log: log.child({ source: 'clock' }),
    lastRun,
    noteRun: (at) => {
      if (Math.abs(at - noted) < NOTE_RUN_MS) return;
      meta.set(LAST_RUN, String(Math.round(at)));
      noted = at;
    },
  });
  const { retentionNow } = clockWatch;
  const events = new EventBus((err) => log.error({ err }, 'an event listener failed'));
  const counts = new EventEmitter<Counts>();
  const pool = new WorkerPool((app) => apps.turnOf(app), threads);
  // a full or read-only disk has room for one handle only
  const quickDb = modeOf(db) === 'normal' ? openDatabase(dir.registry, { durability: 'normal' }) : db;
  const jobRows = jobRepository(db, quickDb);
  const jobs = new JobService({ background, retentionNow, repository: jobRows, events, log, dataDir: dir.root });
  /** Asked in order for each Bearer value; `identity` adds its own. */
  const resolvers: CredentialResolver[] = [];
  const eventStream = new EventService({
    file: path.join(dir.data, 'events.db'),
    bus: events,
    background,
    retentionNow,
    findApp: (name) => apps.get(name),
    resolvers,
    log: log.child({ source: 'events' }),
  });
  /** Other receivers of log lines as events. */
  const logReaders: (() => boolean)[] = [];
  const logs = new LogService({
    background,
    retentionNow,
    logging,
    apps: {
      idOf: (name) => apps.get(name)?.id,
      exists: (id) => apps.byId(id) !== undefined,
      visibleIds: (visible) => apps.visibleIds(visible),
      require: (name) => apps.require(name),
    },
    dir: dir.logs,
    maxBytes: settings.logMaxBytes,
    maxFiles: settings.logMaxFiles,
    get retentionDays() {
      return settings.logRetentionDays;
    },
    get maxRows() {
      return settings.logMaxRows;
    },
    countLost: (lines) => counts.emit('logLinesLost', lines),
    live: {
      isHeard: () => eventStream.isHeard('logs') || logReaders.some((isReading) => isReading()),
      show: (row) => {
        const app = row.appId === null ? undefined : apps.byId(row.appId);
        events.publish({
          type: 'log.line',
          ...(app ? { app: app.name, tenant: app.tenantId } : {}),
          data: { ...row },
          live: true,
        });
      },
    },
  });
  settings.onChange(['logRetentionDays', 'logMaxRows'], () => background.run('log retention', () => logs.clean()));
  events.subscribe(({ type, data }) => {
    return type === 'app.deleted' ? logs.forgetApp(data.id) : undefined;
  });
  const certificate =
    settings.tlsCert === ''
      ? undefined
      : new OwnCertificate({ settings, warnings, background, log: log.child({ source: 'tls' }) });
  /** Port and address in use, known once the daemon listens. */
  const listening = { port: settings.port, url: '' };

  warnAboutFileSystem(dir.root, warnings);
  for (const { code, subject, message } of settings.warnings) warnings.add(code, subject, message);

  return {
    settings,
    /** The settings that operators store. */
    settingsStore,
    /** The file of secrets, of settings and of apps. */
    secretFile,
    /** Changes of several files that are under way. */
    journal,
    dir,
    log,
    /** Runs work in the background. */
    background,
    clockWatch,
    /** What is wrong with the installation. */
    warnings,
    /** Values registered here never appear in a log line. */
    logSecrets: logging.secrets,
    db,
    /** The registry again, with commits that don't wait for the disk, for data that may be lost in a power cut. */
    quickDb,
    databases,
    events,
    counts,
    /** The event log and its readers. */
    eventStream,
    pool,
    jobs,
    jobCounts: () => jobRows.counts(),
    jobTroubles: () => jobRows.troubles(),
    logs,
    logReaders,
    resolvers,
    /** Which addresses apps and plugins may reach. */
    policy: { denyPrivate: settings.denyPrivateEndpoints },
    listening,
    /** Of the daemon's own HTTPS listener; undefined = it speaks HTTP. */
    certificate,
    /** Base URL for links: the configured one, else the address in use. */
    publicUrl: () => publicBase(settings) ?? listening.url,
    /** True when this start created the registry database. */
    isFirstStart,
    async start() {
      clockWatch.start();
      eventStream.start();
      logs.start();
      const interrupted = await journal.recover();
      for (const { files, error: err } of interrupted) {
        if (err === undefined) log.warn({ files }, 'finished or undid an interrupted change');
        else log.error({ files, err }, 'an interrupted change could not be finished');
      }
      // a change that waits for the next start needs its temporary files
      if (interrupted.every(({ error }) => error === undefined)) await removeDataDirLeftovers(dir);
      await secretFile.load();
      settingsStore.secretsLoaded();
    },
    async stop() {
      await certificate?.stop();
      await clockWatch.stop();
      await background.run('log shutdown', () => logs.stop());
      await background.run('event shutdown', () => eventStream.stop());
      databases.closeAll();
      if (quickDb !== db) quickDb.close();
      await background.run('checkpoint of the registry', () => db.pragma('wal_checkpoint(TRUNCATE)'));
      db.close();
    },
  };
}
