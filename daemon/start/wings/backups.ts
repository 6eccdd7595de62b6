import path from 'node:path';
import { BackupPlaces } from '#daemon/operations/backup/places.ts';
import { BackupScheduler } from '#daemon/operations/backup/plan.ts';
import { backupRepository } from '#daemon/operations/backup/repository.ts';
import { BackupService } from '#daemon/operations/backup/service.ts';
import { BackupStorage } from '#daemon/operations/backup/storage.ts';
import { BackupWork } from '#daemon/operations/backup/work.ts';
import { SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import { installationId, metaStore } from '#daemon/platform/db/meta.ts';
import { SCHEMA } from '#daemon/platform/db/schema-versions.ts';
import { SETTINGS } from '#daemon/platform/settings-table.ts';
import type { BackupLack } from '#shared/schema/backups.ts';
import type { Apps } from './apps.ts';
import type { Identity } from './identity.ts';
import type { Platform } from './platform.ts';
import type { Plugins } from './plugins.ts';

/** Creates what makes, keeps and restores backups of the data directory. */
export function createBackups(
  { settings, secretFile, dir, db, events, background, clockWatch, pool, policy, jobs, log }: Platform,
  { tenants }: Identity,
  { plugins }: Plugins,
  { apps, config, secrets, storage }: Apps,
) {
  const meta = metaStore(db);
  const installation = installationId(meta);
  const repository = backupRepository(db);
  const own = new BackupStorage({
    meta,
    secrets: secretFile,
    plugins,
    pool,
    policy,
    installation,
    used: () => repository.ownPlaces(),
  });
  const places = new BackupPlaces({ installation, apps, config, storage, own, plugins, pool });
  const work = new BackupWork({
    background,
    pool,
    plugins,
    places,
    holdApp: (app, task) =>
      config.hold(app, () => task(apps.registry.get(app) === undefined ? null : secrets.storedFor(app))),
    async holdSecrets(task) {
      const staged = await secretFile.stage({});
      await task().finally(() => staged.release());
    },
  });
  const backups: BackupService = new BackupService({
    dataDir: dir.root,
    repository,
    work,
    scheduler: () => scheduler,
    jobs,
    apps,
    places,
    own,
    secrets: secretFile,
    pool,
    teams: () => tenants.all(),
    schema: SCHEMA,
    passphraseWork: settings.backupWork,
    installation,
    outside: () => outsideOf(settings, dir.root),
    events,
    background,
    clock: SYSTEM_CLOCK,
    retentionNow: clockWatch.retentionNow,
    log: log.child({ source: 'backups' }),
  });
  const scheduler = new BackupScheduler({
    meta,
    clock: SYSTEM_CLOCK,
    background,
    begin: (plan) => backups.beginScheduled(plan),
    test: () => backups.beginTest(),
    tidy: (plan) => backups.tidy(plan),
  });
  return {
    backups,
    backupScheduler: scheduler,
    async start() {
      await background.run('folder of backups', () => backups.start());
      scheduler.start();
    },
    stop: () => scheduler.stop(),
  };
}

/** What the installation needs that no backup of its data directory has. */
function outsideOf(settings: Platform['settings'], dataDir: string): BackupLack[] {
  const lacks: BackupLack[] = [
    { code: 'buckets', text: 'Objects in buckets, for example recordings and segments of live HLS.' },
    { code: 'livekit', text: 'LiveKit, Redis, egress and ingress: their programs and config files.' },
  ];
  const given = (Object.keys(SETTINGS) as (keyof typeof SETTINGS)[])
    .filter((key) => settings.origins[key] === 'environment' || settings.origins[key] === 'flag')
    .map((key) => SETTINGS[key].env)
    .filter((name) => name !== 'DATA_DIR');
  if (given.length > 0)
    lacks.push({ code: 'environment', text: `Settings of the environment and of flags: ${given.sort().join(', ')}.` });
  if (!path.resolve(settings.envFile).startsWith(path.resolve(dataDir) + path.sep))
    lacks.push({ code: 'env-file', text: 'The env file, because it is outside of the data directory.' });
  return lacks;
}
