import { IconSettings } from '@tabler/icons-react';
import { getSettings } from '#shared/contract/system.ts';
import { type Feature, screen } from '../feature.ts';

export const settings: Feature = {
  pages: [screen('/settings', () => import('./settings-page.tsx'), 'SettingsPage')],
  section: { id: 'settings', label: 'Settings', path: '/settings', key: 'e', Icon: IconSettings, group: 'server' },
  live: { refreshes: { system: [getSettings] } },
};
