import { IconCpu } from '@tabler/icons-react';
import { getGpu } from '#shared/contract/system.ts';
import { type Feature, screen } from '../feature.ts';

export const gpu: Feature = {
  pages: [screen('/gpu', () => import('./gpu-page.tsx'), 'GpuPage')],
  section: { id: 'gpu', label: 'GPU', path: '/gpu', key: 'g', Icon: IconCpu, group: 'server' },
  live: { refreshes: { system: [getGpu] } },
};
