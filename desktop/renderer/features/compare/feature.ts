import { IconArrowsDiff } from '@tabler/icons-react';
import { type Feature, screen } from '../feature.ts';

export const compare: Feature = {
  pages: [screen('/compare', () => import('./compare-page.tsx'), 'ComparePage')],
  section: { id: 'compare', label: 'Compare', path: '/compare', key: 'd', Icon: IconArrowsDiff, group: 'work' },
};
