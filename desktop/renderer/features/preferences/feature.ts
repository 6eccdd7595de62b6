import { type Feature, screen } from '../feature.ts';

export const preferences: Feature = {
  desktopPages: [screen('/preferences', () => import('./preferences-page.tsx'), 'PreferencesPage')],
};
