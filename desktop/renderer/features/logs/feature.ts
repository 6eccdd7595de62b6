import { IconFileText } from '@tabler/icons-react';
import { type Feature, screen } from '../feature.ts';

export const logs: Feature = {
  pages: [screen('/logs', () => import('./logs-page.tsx'), 'LogsPage')],
  section: { id: 'logs', label: 'Logs', path: '/logs', key: 'l', Icon: IconFileText, group: 'work' },
};
