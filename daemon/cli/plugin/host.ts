import { Background } from '#daemon/platform/background.ts';
import { EventBus } from '#daemon/platform/events/bus.ts';
import { BUILT_IN_PLUGINS } from '#daemon/platform/paths.ts';
import { SETTINGS } from '#daemon/platform/settings-table.ts';
import { WorkerPool } from '#daemon/platform/workers/pool.ts';
import type { PluginRecord } from '../../plugins/records.ts';
import { PluginService } from '../../plugins/service.ts';

/** Lets the daemon's own host look at the one plugin of a folder, with the built-in ones beside it. */
export async function readPluginFolder(root: string): Promise<PluginRecord | undefined> {
  const pool = new WorkerPool();
  try {
    const service = new PluginService({
      pool,
      roots: [
        { dir: BUILT_IN_PLUGINS, origin: 'built-in' },
        { dir: root, origin: 'installed' },
      ],
      // nothing is kept or announced: this is a look, not an installation
      repository: { all: () => [], save() {} },
      events: new EventBus(() => {}),
      background: new Background({ log: { info() {}, warn() {} } }),
      policy: { denyPrivate: false },
      limits: {
        memoryMb: SETTINGS.pluginMemoryMb.default,
        loadSeconds: SETTINGS.pluginLoadSeconds.default,
        callSeconds: SETTINGS.pluginCallSeconds.default,
        idleSeconds: SETTINGS.pluginIdleSeconds.default,
        sandbox: 'auto',
      },
      isSafeMode: false,
      log: { warn() {}, info() {} },
    });
    try {
      await service.providers();
      return (await service.records()).find((record) => record.origin === 'installed');
    } finally {
      await service.stop();
    }
  } finally {
    await pool.close();
  }
}
