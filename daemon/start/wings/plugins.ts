import { BUILT_IN_PLUGINS } from '#daemon/platform/paths.ts';
import type { TrialHost } from '#daemon/plugins/install/trial.ts';
import { pluginRepository } from '#daemon/plugins/repository.ts';
import { PluginService } from '#daemon/plugins/service.ts';
import type { Platform } from './platform.ts';

export type Plugins = ReturnType<typeof createPlugins>;

/** Creates the wing that loads and runs plugins. */
export function createPlugins({ settings, dir, db, events, background, pool, policy, log }: Platform) {
  /** What plugins run with; a plugin is tried with the same before it is installed. */
  const pluginHost: TrialHost = {
    pool,
    policy,
    limits: {
      memoryMb: settings.pluginMemoryMb,
      loadSeconds: settings.pluginLoadSeconds,
      callSeconds: settings.pluginCallSeconds,
      idleSeconds: settings.pluginIdleSeconds,
      sandbox: settings.pluginSandbox as 'auto' | 'off',
    },
    isSafeMode: settings.safeMode,
  };
  const plugins = new PluginService({
    ...pluginHost,
    roots: [
      { dir: BUILT_IN_PLUGINS, origin: 'built-in' },
      { dir: dir.plugins, origin: 'installed' },
    ],
    repository: pluginRepository(db),
    background,
    events,
    log: log.child({ source: 'plugins' }),
  });
  return {
    plugins,
    pluginHost,
    start: () => plugins.start(),
    stop: () => plugins.stop(),
  };
}
