import { IconReceipt } from '@tabler/icons-react';
import { getMonthUsage, getNodeUsage } from '#shared/contract/usage.ts';
import { type Feature, screen } from '../feature.ts';

export const usage: Feature = {
  pages: [screen('/usage', () => import('./usage-page.tsx'), 'UsagePage')],
  section: { id: 'usage', label: 'Usage', path: '/usage', key: 'b', Icon: IconReceipt, group: 'work' },
  live: { refreshes: { sessions: [getMonthUsage], vods: [getMonthUsage], nodes: [], 'node.joined': [getNodeUsage] } },
};
