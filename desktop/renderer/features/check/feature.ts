import { type Feature, screen } from '../feature.ts';

export const check: Feature = {
  pages: [screen('/check', () => import('./check-page.tsx'), 'CheckPage')],
  palette: ({ go }) => [
    { id: 'check-installation', group: 'Actions', label: 'Check installation', run: () => go('/check') },
  ],
};
