import path from 'node:path';
import { Answers } from '#daemon/operations/declared/answers.ts';
import { Applies } from '#daemon/operations/declared/applies.ts';
import { declaredKinds } from '#daemon/operations/declared/kinds/index.ts';
import { RollbackPoints } from '#daemon/operations/declared/points.ts';
import { DeclaredService } from '#daemon/operations/declared/service.ts';
import type { createAlerts } from './alerts.ts';
import type { Apps } from './apps.ts';
import type { createBackups } from './backups.ts';
import type { Cluster } from './cluster.ts';
import type { Identity } from './identity.ts';
import type { createOperations } from './operations.ts';
import type { Platform } from './platform.ts';

/** Creates what exports and applies the configuration as a folder of files. */
export function createDeclared(
  { dir, pool, settingsStore, secretFile, warnings, log, jobs, background, clockWatch }: Platform,
  { guard, tenants, directory, teams, tokens, sessionSecret, audit }: Identity,
  { cluster }: Cluster,
  { apps, config, secrets, storage, deletion }: Apps,
  { managedLiveKit, settingsEditor }: ReturnType<typeof createOperations>,
  { backups }: ReturnType<typeof createBackups>,
  alerts: ReturnType<typeof createAlerts>,
) {
  const kinds = declaredKinds({
    settingsStore,
    settingsEditor,
    guard,
    cluster,
    managedLiveKit,
    tenants,
    directory,
    teams,
    apps,
    config,
    secrets,
    storage,
    deletion,
    pool,
    appsDir: dir.apps,
    archiveDir: dir.archive,
    backups,
    secretFile,
    alerts,
    tokens,
  });
  const folder = path.join(dir.data, 'rollback-points');
  const points = new RollbackPoints(folder);
  const { retentionNow } = clockWatch;
  const answers = new Answers({ folder, key: sessionSecret.derive('answers of applies'), background, retentionNow });
  const declaredLog = log.child({ source: 'declared' });
  const applies = new Applies({ kinds, points, answers, jobs, audit, warnings, log: declaredLog });
  const key = sessionSecret.derive('configuration plans');
  return { applies, declared: new DeclaredService({ kinds, points, applies, pool, key }) };
}
