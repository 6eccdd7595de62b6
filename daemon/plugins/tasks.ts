import { type TaskKind, taskModule } from '#daemon/platform/workers/pool.ts';

/** Reads and verifies the plugin folders. */
export const PLUGINS_READ: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/plugins-read'),
  what: 'Reading the plugins',
  timeoutMs: 60_000,
  concurrency: 1,
  queue: 64,
};

/** Unpacks an uploaded or downloaded plugin. */
export const PLUGIN_UNPACK: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/plugin-unpack'),
  what: 'Unpacking the plugin',
  timeoutMs: 30_000,
  concurrency: 1,
  queue: 16,
};

/** Loads a plugin and asks what it provides. */
export const PLUGIN_DESCRIBE: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/plugin-describe'),
  what: 'Loading a plugin',
  timeoutMs: 30_000,
  concurrency: 1,
  queue: 256,
};
