import { listApps } from '#shared/contract/apps.ts';
import { getAppStats } from '#shared/contract/streams.ts';
import { type Feature, screen } from '../feature.ts';
import { appTabs } from './app-tabs.ts';

export const app: Feature = {
  pages: ['/apps/$app', '/apps/$app/$tab'].map((path) => screen(path, () => import('./app-page.tsx'), 'AppPage')),
  palette: ({ go, known }) =>
    (known(listApps) ?? []).flatMap(({ name, displayName }) => [
      {
        id: `app-${name}`,
        group: 'Apps',
        label: name,
        keywords: displayName,
        hint: displayName === name ? '' : displayName,
        run: () => go(`/apps/${name}`),
      },
      ...appTabs.map(({ id, label, keywords }) => ({
        id: `app-${name}-${id}`,
        group: 'Parts of apps',
        label: `${name} › ${label}`,
        keywords,
        run: () => go(`/apps/${name}/${id}`),
      })),
    ]),
  live: { refreshes: { streams: [getAppStats], vods: [getAppStats] } },
};
