import { type Feature, screen } from '../feature.ts';

export const signIn: Feature = {
  linkPages: [
    screen('/setup', () => import('./link-pages.tsx'), 'SetupPage'),
    screen('/invite', () => import('./link-pages.tsx'), 'InvitePage'),
    screen('/email', () => import('./link-pages.tsx'), 'EmailPage'),
    screen('/email-undo', () => import('./link-pages.tsx'), 'EmailUndoPage'),
    screen('/magic', () => import('./link-pages.tsx'), 'MagicPage'),
  ],
};
