import { type TaskKind, taskModule } from '#daemon/platform/workers/pool.ts';

/** Makes ladders. Resumable, therefore without a limit; the jobs limit how many run. */
export const TRANSCODE: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/transcode'),
  what: 'Transcoding a recording',
  timeoutMs: 0,
  isLong: true,
  concurrency: 16,
  queue: 256,
};
