import { type TaskKind, taskModule } from '#daemon/platform/workers/pool.ts';

/** Runs the tools that find GPUs. */
export const GPU_PROBE: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/gpu-probe'),
  what: 'Probing the GPU',
  timeoutMs: 12_000,
  concurrency: 1,
  queue: 4,
};
