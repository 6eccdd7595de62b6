import { BUILT_IN_PLUGINS } from '#daemon/platform/paths.ts';
import { pluginRepository } from '#daemon/plugins/repository.ts';
import { PluginService } from '#daemon/plugins/service.ts';
import type { Platform } from './platform.ts';

export type Plugins = ReturnType<typeof createPlugins>;

/** Creates the wing that loads and runs plugins. */
export function createPlugins({ settings, dir, db, events, background, pool, policy, log }: Platform) {
  const plugins = new PluginService({
    pool,
    roots: [
      { dir: BUILT_IN_PLUGINS, origin: 'built-in' },
      { dir: dir.plugins, origin: 'installed' },
    ],
    repository: pluginRepository(db),
    background,
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
  return {
    plugins,
    start: () => plugins.start(),
    stop: () => plugins.stop(),
  };
}
