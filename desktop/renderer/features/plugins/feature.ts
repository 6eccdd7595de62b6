import { IconPlugConnected } from '@tabler/icons-react';
import { getPlugin, listPlugins } from '#shared/contract/plugins.ts';
import { type Feature, screen } from '../feature.ts';

export const plugins: Feature = {
  pages: [screen('/plugins', () => import('./plugins-page.tsx'), 'PluginsPage')],
  section: { id: 'plugins', label: 'Plugins', path: '/plugins', key: 'p', Icon: IconPlugConnected, group: 'server' },
  live: { refreshes: { plugins: [listPlugins, getPlugin] } },
};
