import { IconApps } from '@tabler/icons-react';
import { getApp, listApps, listHeldPrefixes } from '#shared/contract/apps.ts';
import { listAppFigures } from '#shared/contract/system.ts';
import { counter, type Feature, screen } from '../feature.ts';

export const apps: Feature = {
  pages: [screen('/apps', () => import('./apps-page.tsx'), 'AppsPage')],
  section: {
    id: 'apps',
    label: 'Apps',
    path: '/apps',
    key: 'a',
    Icon: IconApps,
    group: 'work',
    count: counter(listApps, (list) => ({ count: String(list.length) })),
  },
  live: {
    refreshes: {
      apps: [listApps, getApp, listAppFigures, listHeldPrefixes],
      config: [listApps, getApp, listHeldPrefixes],
      streams: [listAppFigures],
      'room.counts': [],
      vods: [listAppFigures],
    },
  },
};
