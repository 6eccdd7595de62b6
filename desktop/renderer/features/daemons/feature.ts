import { type Feature, screen } from '../feature.ts';

export const daemons: Feature = {
  desktopPages: [
    screen('/', () => import('./all-daemons-page.tsx'), 'AllDaemonsPage'),
    screen('/add', () => import('./add-daemon-page.tsx'), 'AddDaemonPage'),
  ],
};
