import { type TaskKind, taskModule } from '#daemon/platform/workers/pool.ts';

/** Reads length, picture and codecs of a recording from its file. */
export const MEDIA_INSPECT: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/media-inspect'),
  what: 'Reading a recording',
  timeoutMs: 120_000,
  concurrency: 2,
  perTeam: 1,
  waitsFor: 'storage',
  queue: 10_000,
};
