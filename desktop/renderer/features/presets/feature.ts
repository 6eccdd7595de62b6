import { listPresets, previewPreset } from '#shared/contract/presets.ts';
import type { Feature } from '../feature.ts';

export const presets: Feature = {
  live: { refreshes: { config: [listPresets, previewPreset], plugins: [listPresets, previewPreset] } },
};
