import { ConfigService } from '#daemon/apps/config/service.ts';
import { FfmpegWatch } from '#daemon/apps/delivery/ffmpeg-watch.ts';
import { DeliveryService } from '#daemon/apps/delivery/service.ts';
import { PresetService } from '#daemon/apps/presets/service.ts';
import { AppDeletion } from '#daemon/apps/registry/deletion.ts';
import type { AppRegistry } from '#daemon/apps/registry/registry.ts';
import { appRepository } from '#daemon/apps/registry/repository.ts';
import { AppService } from '#daemon/apps/registry/service.ts';
import { SecretStore } from '#daemon/apps/secrets/store.ts';
import { AppFiles } from '#daemon/apps/storage/app-files.ts';
import { keptCredentials, mainCredentials } from '#daemon/apps/storage/credentials.ts';
import { FileLinks } from '#daemon/apps/storage/file-links.ts';
import { maskKey, maskSecret } from '#daemon/apps/storage/mask.ts';
import { PageAccess } from '#daemon/apps/storage/page-access.ts';
import { Purger } from '#daemon/apps/storage/purger.ts';
import { StorageService } from '#daemon/apps/storage/service.ts';
import { PluginInstaller } from '#daemon/plugins/install/installer.ts';
import { BUILT_IN_PROVIDERS } from '#shared/config/schema.ts';
import type { Identity } from './identity.ts';
import type { Platform } from './platform.ts';
import type { Plugins } from './plugins.ts';

export type Apps = ReturnType<typeof createApps>;

/** Creates the wing that keeps apps with their config, secrets and storage. */
export function createApps(
  {
    settings,
    secretFile,
    journal,
    dir,
    db,
    databases,
    events,
    background,
    counts,
    pool,
    jobs,
    policy,
    logSecrets,
    warnings,
    publicUrl,
    log,
  }: Platform,
  { quotas, sessionSecret }: Identity,
  { plugins, pluginHost }: Plugins,
  registry: AppRegistry,
) {
  const apps = new AppService({
    registry,
    appsDir: dir.apps,
    repository: appRepository(db),
    background,
    databases,
    events,
    checkQuota: (principal, tenantId, pending) => quotas.checkApps(principal, tenantId, pending),
    // the YAML library is loaded with the first new app, not at start
    renderConfig: async (name, options) =>
      (await import('#shared/config/scaffold.ts')).renderDefaultConfig(name, options),
    replaceSecrets: (app, values) => secrets.replace(app, values),
    log,
  });
  const secrets = new SecretStore({
    file: secretFile,
    env: settings.appSecrets,
    conceal: (value) => logSecrets.add(value),
  });
  const config = new ConfigService({
    journal,
    apps,
    pool,
    events,
    secrets,
    databases,
    logSecrets,
    policy,
    background,
    providers: () => plugins.knownProviderIds(),
    maskedSecrets: (app) => ({
      s3AccessKey: maskKey(secrets.get(app, 's3AccessKey')),
      s3SecretKey: maskSecret(secrets.get(app, 's3SecretKey')),
      callbackSecret: maskSecret(secrets.get(app, 'callbackSecret')),
      mqttPassword: maskSecret(secrets.get(app, 'mqttPassword')),
    }),
    hwaccel: settings.transcodingHwaccel,
    log: log.child({ source: 'config' }),
  });
  const pages = new PageAccess();
  const delivery = new DeliveryService({
    config,
    plugins,
    hwaccel: settings.transcodingHwaccel,
    daemonUrl: publicUrl,
    pages,
  });
  const ffmpegWatch = new FfmpegWatch({ apps: registry, delivery, warnings, events, background });
  const purger = new Purger({
    pool,
    plugins,
    policy,
    configFolders: { apps: dir.apps, archive: dir.archive },
    databaseFile: (app) => databases.file(app),
    appFolder: (app) => apps.dir(app),
    block: async (app) => (await config.get(app)).s3,
    credentials: (app) => mainCredentials(secrets, app),
    kept: (app) => keptCredentials(secrets, app),
    onRefused: (count) => counts.emit('storageRefused', 'delete', count),
  });
  const fileLinks = new FileLinks({ key: sessionSecret.derive('file links'), base: publicUrl });
  const appFiles = new AppFiles({ apps, links: fileLinks });
  const storage = new StorageService({
    config,
    secrets,
    plugins,
    purger,
    pool,
    policy,
    files: appFiles,
    fileLinks,
    apps,
    appFolder: (app) => apps.dir(app),
    localDir: async (app) => (await delivery.plan(app)).recording?.localDir ?? '',
    onRefused: (operation) => counts.emit('storageRefused', operation, 1),
    pages,
    daemonUrl: publicUrl,
    database: (app) => databases.get(app),
    conceal: (value) => logSecrets.add(value),
    log: log.child({ source: 'storage' }),
  });
  const pluginInstaller = new PluginInstaller({
    ...pluginHost,
    plugins,
    dir: dir.plugins,
    events,
    async appsWith(providers) {
      const names: string[] = [];
      for (const { name } of providers.length === 0 ? [] : apps.registry.entries()) {
        const provider = await config.get(name).then(
          ({ s3 }) => s3.provider,
          () => undefined,
        );
        if (provider !== undefined && providers.includes(provider)) names.push(name);
      }
      return names.sort();
    },
  });
  const deletion = new AppDeletion({
    apps,
    appsDir: dir.apps,
    archiveDir: dir.archive,
    databases,
    jobs,
    secrets,
    purger,
    releaseConfig: (app) => config.close(app),
    log: log.child({ source: 'apps' }),
  });
  events.subscribe(({ type, app }) => {
    if (app === undefined) return undefined;
    if (type === 'vod.deleted') return storage.forgetOldPlaces(app);
    return type === 'app.deleted' ? config.close(app) : undefined;
  });
  /** Says of an app whose storage provider is gone that nothing is recorded. */
  const lookAtProvider = async (app: string): Promise<void> => {
    const problem = await storage.providerProblem(app);
    const since = apps.registry.get(app)?.troubles.STORAGE_PROVIDER_MISSING?.since ?? new Date().toISOString();
    const message = `${problem} Nothing is recorded until its plugin is back or another provider is chosen.`;
    apps.noteTrouble(app, 'STORAGE_PROVIDER_MISSING', problem === undefined ? null : { message, since });
  };
  const lookAtProviders = async (isStart = false): Promise<void> => {
    for (const { name } of apps.registry.entries()) {
      try {
        // at the start, plugins are read only where an app needs one that is not built in
        const { provider } = (await config.get(name)).s3;
        if (!isStart || !BUILT_IN_PROVIDERS.some((one) => one === provider)) await lookAtProvider(name);
      } catch {
        // a config that cannot be read has its own alarm
      }
    }
  };
  events.subscribe(({ type, app }) => {
    if (type.startsWith('plugin.')) background.run('storage providers of apps', () => lookAtProviders());
    else if (app !== undefined && (type === 'config.changed' || type === 'config.reloaded'))
      background.run('storage providers of apps', () => lookAtProvider(app));
  });

  return {
    apps,
    secrets,
    config,
    delivery,
    presets: new PresetService({ apps, config, plugins, delivery }),
    storage,
    /** Recordings in the apps' own folders. */
    appFiles,
    deletion,
    pluginInstaller,
    async start() {
      secrets.start();
      await apps.start();
      await background.run('unfinished deletions', () => deletion.start());
      config.start();
      ffmpegWatch.start();
      background.run('storage providers of apps', () => lookAtProviders(true));
    },
    async stop() {
      await ffmpegWatch.stop();
      await config.stop();
    },
  };
}
