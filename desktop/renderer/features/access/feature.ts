import { IconKey } from '@tabler/icons-react';
import { getTeam, getTenantUsage, listInvites, listTenants, listUsers } from '#shared/contract/teams.ts';
import { listTokens } from '#shared/contract/tokens.ts';
import { type Feature, screen } from '../feature.ts';

export const access: Feature = {
  pages: ['/access', '/access/$tab'].map((path) => screen(path, () => import('./access-page.tsx'), 'AccessPage')),
  section: { id: 'access', label: 'Access', path: '/access', key: 't', Icon: IconKey, group: 'people' },
  live: {
    refreshes: {
      access: [listTokens, listUsers, listTenants, getTeam, listInvites, getTenantUsage],
      // an app takes its tokens with it, and counts towards its team's quotas
      apps: [listTokens, getTenantUsage],
      vods: [getTenantUsage],
    },
  },
};
