import { type TaskKind, taskModule } from '#daemon/platform/workers/pool.ts';

/** Reads databases whole. */
export const DATABASE_CHECK: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/database-check'),
  what: 'Checking the databases',
  timeoutMs: 15_000,
  concurrency: 1,
  queue: 2,
};
