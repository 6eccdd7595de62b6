import type { Piscina } from 'piscina';
import { AppRegistry } from '#daemon/apps/registry/registry.ts';
import type { Cost } from '#daemon/identity/auth/passwords.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import type { Logging } from '#daemon/platform/logs/logger.ts';
import type { Settings } from '#daemon/platform/settings.ts';
import { createAlerts } from './wings/alerts.ts';
import { createApps } from './wings/apps.ts';
import { createBackups } from './wings/backups.ts';
import { createCluster } from './wings/cluster.ts';
import { createDeclared } from './wings/declared.ts';
import { createDoctor } from './wings/doctor.ts';
import { createIdentity } from './wings/identity.ts';
import { createMedia } from './wings/media.ts';
import { createOperations } from './wings/operations.ts';
import { createPlatform } from './wings/platform.ts';
import { createPlugins } from './wings/plugins.ts';

/** Everything that the routes call. */
export type Services = ReturnType<typeof createServices>;

/** What a program that starts several daemons gives each of them. */
export interface Given {
  /** For its tasks, of `taskThreads()`; separate ones unless given. */
  threads?: () => Promise<Piscina>;
  /** Of new password hashes: tests sign in hundreds of times. */
  passwordCost?: Cost;
}

/**
 * Creates the wings from the bottom up, each from those below it. Nothing runs before `start()`.
 * @param db the registry, up to date
 */
export function createServices(settings: Settings, logging: Logging, db: Db, given: Given) {
  // filled by the wing of the apps; all wings look apps up in it
  const registry = new AppRegistry();
  const platform = createPlatform(settings, logging, db, registry, given.threads);
  const identity = createIdentity(platform, registry, given.passwordCost);
  const cluster = createCluster(platform);
  const plugins = createPlugins(platform);
  const apps = createApps(platform, identity, plugins, registry);
  const media = createMedia(platform, identity, cluster, plugins, apps);
  const operations = createOperations(platform, identity, cluster, apps, media);
  const backups = createBackups(platform, identity, plugins, apps);
  const alerts = createAlerts(platform, identity, cluster, plugins, apps, media, operations, backups);
  const declared = createDeclared(platform, identity, cluster, apps, operations, backups, alerts);
  const doctor = createDoctor(platform, cluster, apps, media, operations, alerts);

  return {
    ...platform,
    ...identity,
    ...cluster,
    ...plugins,
    ...apps,
    ...media,
    ...operations,
    ...backups,
    ...doctor,
    ...declared,
    alerts,
    async start() {
      await platform.start();
      identity.start();
      cluster.start();
      await plugins.start();
      await apps.start();
      media.start();
      await operations.start();
      await backups.start();
      alerts.start();
      await platform.background.run('roll-back points', () => declared.applies.start());
      // unfinished jobs of the last run resume when everything that they use is there
      platform.jobs.start();
    },
    async stop() {
      // a failed write must not keep the others from stopping
      for (const [name, part] of [
        ['alerts', alerts],
        ['applies', declared.applies],
        ['backups', backups],
        ['operations', operations],
        ['media', media],
        ['jobs', platform.jobs],
        ['apps', apps],
        // tasks in the pool talk to plugin processes
        ['worker pool', { stop: () => platform.pool.close() }],
        ['plugins', plugins],
        ['cluster', cluster],
        ['identity', identity],
        ['platform', platform],
      ] as const)
        await platform.background.run(`stop of ${name}`, () => part.stop());
    },
  };
}
