import { getAccount, listSessions, whoAmI } from '#shared/contract/auth.ts';
import { type Feature, screen } from '../feature.ts';

export const account: Feature = {
  pages: [screen('/account', () => import('./account-page.tsx'), 'AccountPage')],
  palette: ({ go }) => [{ id: 'account', group: 'Pages', label: 'Account', run: () => go('/account') }],
  live: { refreshes: { access: [listSessions], 'team.changed': [listSessions, whoAmI, getAccount] } },
};
