import { type Static, Type } from 'typebox';
import { Instant, object, oneOf } from './common.ts';

export const GpuDevice = object({
  kind: oneOf(['nvidia', 'vaapi'], { description: 'How it was detected.' }),
  name: Type.String({
    description: 'Name of the GPU, or path of the render node.',
    examples: ['NVIDIA GeForce RTX 4070'],
  }),
  index: Type.Optional(Type.Integer({ description: 'The driver’s number for the GPU.' })),
  memoryMiB: Type.Optional(Type.Integer({ description: 'Video memory, if the driver reports it.' })),
  canEncode: Type.Optional(Type.Boolean({ description: 'Whether it has a video encoder; absent if unknown.' })),
});
export type GpuDevice = Static<typeof GpuDevice>;

/** What the last probe found. A card that is present need not be able to encode: see `canEncode` and `detail`. */
export const GpuStatus = object({
  available: Type.Boolean({ description: 'A device was found.' }),
  type: oneOf(['nvidia', 'vaapi', 'none']),
  devices: Type.Array(GpuDevice),
  driver: Type.Optional(Type.String({ description: 'Driver version, if known.' })),
  canEncode: Type.Optional(Type.Boolean({ description: 'At least one device can encode video; absent if unknown.' })),
  checkedAt: Instant,
  detail: Type.String({ description: 'The result in one sentence.' }),
});
export type GpuStatus = Static<typeof GpuStatus>;

/** What the probe task is given. Programs are found on PATH unless a path is given. */
export interface GpuProbeInput {
  disabled?: boolean;
  nvidiaSmi?: string;
  vainfo?: string;
  /** Folder of the render nodes. */
  driDir?: string;
  /** Milliseconds that each external program may take. */
  timeoutMs?: number;
}

export const GpuQuery = object({
  refresh: Type.Optional(
    Type.Boolean({ 'x-allow-empty': true, description: 'Probe again. The name without a value counts as `true`.' }),
  ),
});
