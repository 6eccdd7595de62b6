import { useParams } from '@tanstack/react-router';
import { getTeam, listTenants, listUsers } from '#shared/contract/teams.ts';
import { listTokens } from '#shared/contract/tokens.ts';
import { lackFor, useMe } from '../../api/rights.ts';
import { NoPermission } from '../../ui/data/query-view.tsx';
import { Page } from '../../ui/layout/page.tsx';
import { TabLinks } from '../../ui/layout/tab-links.tsx';
import classes from './access.module.css';
import { PeopleTab } from './people-tab.tsx';
import { TeamTab } from './team-tab.tsx';
import { TeamsTab } from './teams-tab.tsx';
import { TokensTab } from './tokens-tab.tsx';

const tabs = [
  {
    id: 'tokens',
    label: 'Tokens',
    text: 'A token lets a program use the API: everything, one app, or single permissions.',
    op: listTokens,
    Body: TokensTab,
  },
  {
    id: 'team',
    label: 'Your team',
    text: 'The people of a team share its apps. The role says what each of them can do there.',
    op: getTeam,
    Body: TeamTab,
  },
  {
    id: 'people',
    label: 'People',
    text: 'Every account on this daemon. A person can do what the role in a team allows, a superadmin everything.',
    op: listUsers,
    Body: PeopleTab,
  },
  {
    id: 'teams',
    label: 'Teams',
    text: 'A team has apps, people and limits. Its people don’t see the apps of other teams.',
    op: listTenants,
    Body: TeamsTab,
  },
] as const;

/** Access: tokens for programs, people and their teams. Parts that you may not see are not shown. */
export function AccessPage() {
  const { tab: id } = useParams({ strict: false }) as { tab?: string };
  const me = useMe();
  const open = tabs.filter(({ op }) => lackFor(op, me) === undefined);
  const tab = open.find((one) => one.id === id) ?? open[0];
  return (
    <Page title="Access" fill>
      {open.length === 0 ? (
        <NoPermission
          error={{ message: 'Tokens and people are managed by owners of a team and by callers of global scope.' }}
        />
      ) : (
        <TabLinks
          label="Parts of access"
          current={tab?.id}
          tabs={open.map(({ id: part, label }) => ({ id: part, label, to: `/access/${part}` }))}
        />
      )}
      {tab ? (
        <>
          <p className={classes.what}>{tab.text}</p>
          <tab.Body />
        </>
      ) : null}
    </Page>
  );
}
