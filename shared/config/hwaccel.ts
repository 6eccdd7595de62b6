import type { GpuStatus } from '../schema/gpu.ts';

export type HwaccelChoice = 'auto' | 'gpu' | 'cpu';

/** Where an app's encoding runs, and why. */
export interface ResolvedHwaccel {
  requested: HwaccelChoice;
  effective: 'gpu' | 'cpu';
  type: GpuStatus['type'];
  reason: string;
}

/** Decides from the app's wish and what the GPU probe found. */
export function resolveHwaccel(requested: HwaccelChoice, gpu: GpuStatus | undefined): ResolvedHwaccel {
  if (requested === 'cpu')
    return { requested, effective: 'cpu', type: 'none', reason: 'The app is configured to use the CPU.' };
  if (gpu === undefined) {
    return { requested, effective: 'cpu', type: 'none', reason: 'The machine has not been probed for a GPU yet.' };
  }
  const usable = gpu.available && (gpu.canEncode === true || (requested === 'gpu' && gpu.canEncode === undefined));
  return { requested, effective: usable ? 'gpu' : 'cpu', type: gpu.type, reason: gpu.detail };
}
