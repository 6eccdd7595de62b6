import { type TaskKind, taskModule } from '#daemon/platform/workers/pool.ts';

/** Reads the files of a folder: YAML, schema, places. */
export const READ_FOLDER: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/read-folder'),
  what: 'Reading the folder',
  timeoutMs: 60_000,
  concurrency: 1,
  queue: 16,
};

/** Puts the values of references into the text of configs. */
export const FILL_CONFIGS: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/fill-configs'),
  what: 'Putting secrets into configs',
  timeoutMs: 60_000,
  concurrency: 1,
  queue: 16,
};

/** Finds the secrets in the text of configs. */
export const CONFIG_SECRETS: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/config-secrets'),
  what: 'Looking for secrets in configs',
  timeoutMs: 60_000,
  concurrency: 1,
  queue: 16,
};
