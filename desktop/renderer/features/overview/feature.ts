import { IconLayoutDashboard } from '@tabler/icons-react';
import { getManagedLiveKit } from '#shared/contract/livekit.ts';
import { getSettings, getStats, listAppFigures } from '#shared/contract/system.ts';
import { getLiveKit } from '#shared/contract/webhooks.ts';
import { type Feature, screen } from '../feature.ts';

export const overview: Feature = {
  pages: [screen('/', () => import('./overview-page.tsx'), 'OverviewPage')],
  section: { id: 'overview', label: 'Overview', path: '/', key: 'o', Icon: IconLayoutDashboard, group: 'work' },
  live: {
    refreshes: {
      apps: [getStats, listAppFigures],
      streams: [getStats, listAppFigures],
      // the page reads the participants of the whole machine every few seconds
      'room.counts': [],
      vods: [getStats, listAppFigures],
      system: [getStats, getSettings, getLiveKit, getManagedLiveKit],
    },
  },
};
