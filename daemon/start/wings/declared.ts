import path from 'node:path';
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
  { dir, pool, settingsStore, secretFile, warnings, log }: Platform,
  { guard, tenants, directory, teams, tokens, sessionSecret }: Identity,
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
  const points = new RollbackPoints(path.join(dir.data, 'rollback-points'), warnings);
  const key = sessionSecret.derive('configuration plans');
  return { declared: new DeclaredService({ kinds, points, pool, key, log: log.child({ source: 'declared' }) }) };
}
