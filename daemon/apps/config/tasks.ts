import { type TaskKind, taskModule } from '#daemon/platform/workers/pool.ts';

/** Validates a text and compares it with the active config. */
export const CONFIG_CHECK: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/config-check'),
  what: 'Checking the configuration',
  timeoutMs: 5000,
  concurrency: 2,
  queue: 512,
};

/** Changes values of a text and keeps everything else of it. */
export const CONFIG_EDIT: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/config-edit'),
  what: 'Editing the configuration',
  timeoutMs: 5000,
  concurrency: 2,
  queue: 512,
};
