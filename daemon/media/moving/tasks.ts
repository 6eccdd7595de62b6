import { type TaskKind, taskModule } from '#daemon/platform/workers/pool.ts';

/** Brings recordings to a storage. Resumable, therefore without a limit; the jobs limit how many run. */
export const MOVE: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/move'),
  what: 'Moving a recording',
  timeoutMs: 0,
  isLong: true,
  concurrency: 8,
  queue: 256,
};
