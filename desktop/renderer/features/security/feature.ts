import { IconShieldLock } from '@tabler/icons-react';
import { getSecurity, listIpBans, listIpRules } from '#shared/contract/security.ts';
import { type Feature, screen } from '../feature.ts';

export const security: Feature = {
  pages: [screen('/security', () => import('./security-page.tsx'), 'SecurityPage')],
  section: { id: 'security', label: 'Network', path: '/security', key: 'n', Icon: IconShieldLock, group: 'people' },
  live: { refreshes: { access: [listIpRules, listIpBans, getSecurity] } },
};
