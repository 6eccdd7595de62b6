import { type Static, Type } from 'typebox';
import { Instant, object, oneOf } from './common.ts';

export const GpuDevice = object({
  kind: oneOf(['nvidia', 'vaapi'], { description: 'How it was found.' }),
  name: Type.String({
    description: 'Name of the card, or path of the render node.',
    examples: ['NVIDIA GeForce RTX 4070'],
  }),
  index: Type.Optional(Type.Integer({ description: 'Number by which the driver calls it.' })),
  memoryMiB: Type.Optional(Type.Integer({ description: 'Video memory, where the driver tells it.' })),
  canEncode: Type.Optional(
    Type.Boolean({ description: 'Whether it has a video encoder; absent when that is not known.' }),
  ),
});
export type GpuDevice = Static<typeof GpuDevice>;

/** What the last probe found. A card that is present need not be able to encode: see `canEncode` and `detail`. */
export const GpuStatus = object({
  available: Type.Boolean({ description: 'A device was found.' }),
  type: oneOf(['nvidia', 'vaapi', 'none']),
  devices: Type.Array(GpuDevice),
  driver: Type.Optional(Type.String({ description: 'Version of the driver, where known.' })),
  canEncode: Type.Optional(
    Type.Boolean({ description: 'Some device can encode video; absent when that is not known.' }),
  ),
  checkedAt: Instant,
  detail: Type.String({ description: 'The finding in one sentence.' }),
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
    Type.Unsafe<'' | 'true' | '1' | 'false' | '0'>({
      type: 'string',
      enum: ['', 'true', '1', 'false', '0'],
      description: 'Bare, `true` or `1` probes again (at most once in 5 s); `false` and `0` do not.',
    }),
  ),
});
