import { IconBell } from '@tabler/icons-react';
import { getIncident, listAlertChannels, listAlertRules, listIncidents } from '#shared/contract/alerts.ts';
import { counter, type Feature, screen } from '../feature.ts';
import { showInBrowser } from './browser-notice.ts';

export const alerts: Feature = {
  pages: [
    screen('/alerts', () => import('./incidents-page.tsx'), 'IncidentsPage'),
    screen('/alerts/rules', () => import('./rules-page.tsx'), 'RulesPage'),
    screen('/alerts/channels', () => import('./channels-page.tsx'), 'ChannelsPage'),
  ],
  section: {
    id: 'alerts',
    label: 'Alerts',
    path: '/alerts',
    key: 'i',
    Icon: IconBell,
    group: 'work',
    count: counter(listIncidents, ({ total }) => (total > 0 ? { count: String(total) } : {}), {
      query: { open: true, limit: 1000 },
    }),
  },
  live: {
    refreshes: {
      alerts: [listIncidents, getIncident],
      'alert.changed': [listAlertRules, listAlertChannels, listIncidents],
      'alert.notice': [listAlertChannels],
    },
    patches: {
      'alert.notice': (_cache, data) => {
        showInBrowser(data);
        return false;
      },
    },
  },
};
