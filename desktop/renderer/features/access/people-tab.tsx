import { ActionIcon, Button, Menu } from '@mantine/core';
import { IconDots, IconUsers } from '@tabler/icons-react';
import { useEffect } from 'react';
import type { ResultOf } from '#shared/contract/operation.ts';
import { createSignInLink, deleteUser, listUsers, revokeUserSessions, updateUser } from '#shared/contract/teams.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useMe } from '../../api/rights.ts';
import { useSearchState } from '../../daemon/links.tsx';
import { markChanged } from '../../ui/data/marks.ts';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { ask } from '../../ui/feedback/confirm.tsx';
import { openDialog } from '../../ui/feedback/dialog.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { State, Tag } from '../../ui/feedback/state.tsx';
import { SearchBox } from '../../ui/form/search-box.tsx';
import { TablePanel, Toolbar } from '../../ui/layout/page.tsx';
import { count, plural } from '../../ui/words/format.ts';
import { Ago, At } from '../../ui/words/time.tsx';
import { HandOver } from './hand-over.tsx';

type User = ResultOf<typeof listUsers>['data'][number];

/** Every account on the daemon. */
export function PeopleTab() {
  const me = useMe();
  const [search, setSearch] = useSearchState();
  const users = useRead(
    listUsers,
    { query: { ...(search['q'] ? { q: search['q'] } : {}), limit: 500 } },
    { keep: true },
  );
  const refreshes = [listUsers];
  const update = useChange(updateUser, { refreshes });
  const remove = useChange(deleteUser, { refreshes });
  const endSessions = useChange(revokeUserSessions, { refreshes });
  const name = (user: User): string => user.email ?? user.name ?? user.id;

  const columns: readonly Column<User>[] = [
    {
      id: 'name',
      header: 'Person',
      width: 'minmax(180px, 2fr)',
      sort: name,
      cell: (user) => (
        <span className="row">
          <span className="cut">
            {name(user)} {user.name && user.email ? <span className="dim">{user.name}</span> : null}
          </span>
          {user.id === me?.userId ? <Tag tone="info">you</Tag> : null}
          {user.isSuperadmin ? <Tag tone="warn">superadmin</Tag> : null}
          {user.pendingEmail ? <Tag>to be {user.pendingEmail}</Tag> : null}
          {user.formerEmail ? <Tag>was {user.formerEmail}, unconfirmed</Tag> : null}
        </span>
      ),
    },
    {
      id: 'teams',
      header: 'Teams',
      width: 'minmax(120px, 1.5fr)',
      from: 'medium',
      cell: (user) =>
        user.teams.length === 0 ? (
          <span className="dim">none</span>
        ) : (
          user.teams.map((team) => `${team.name} (${team.role})`).join(', ')
        ),
    },
    {
      id: 'twoFactor',
      header: 'Two-factor',
      width: '110px',
      from: 'wide',
      sort: (user) => Number(user.twoFactorEnabled),
      cell: (user) => (user.twoFactorEnabled ? <State tone="ok">on</State> : <span className="dim">off</span>),
    },
    {
      id: 'sessions',
      header: 'Sessions',
      width: '76px',
      align: 'end',
      sort: (user) => user.sessions,
      cell: (user) => (user.sessions === 0 ? <span className="dim">0</span> : count(user.sessions)),
    },
    {
      id: 'seen',
      header: 'Last seen',
      width: '110px',
      sort: (user) => (user.lastSeen ? Date.parse(user.lastSeen) : null),
      cell: (user) => <Ago at={user.lastSeen} />,
    },
    {
      id: 'menu',
      header: '',
      width: '28px',
      cell: (user) => (
        <Menu>
          <Menu.Target>
            <ActionIcon size="xs" aria-label={`Actions for ${name(user)}`}>
              <IconDots size={16} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item
              onClick={() =>
                ask({
                  title: user.isSuperadmin ? `Remove superadmin from ${name(user)}` : `Make ${name(user)} a superadmin`,
                  body: user.isSuperadmin ? (
                    <p>They keep their roles in teams.</p>
                  ) : (
                    <p>A superadmin does everything on this daemon: all apps of all teams, nodes, tokens, people.</p>
                  ),
                  action: user.isSuperadmin ? 'Remove superadmin' : 'Make superadmin',
                  isDangerous: !user.isSuperadmin,
                  run: async () => {
                    await update.mutateAsync({ params: { id: user.id }, body: { isSuperadmin: !user.isSuperadmin } });
                    markChanged('people', user.id);
                  },
                })
              }
            >
              {user.isSuperadmin ? 'Remove superadmin…' : 'Make superadmin…'}
            </Menu.Item>
            {user.pendingEmail || (user.email && !user.emailProven) ? (
              <Menu.Item
                onClick={() =>
                  ask({
                    title: `Confirm ${user.pendingEmail ?? user.email}`,
                    body: <p>Do this only if you know that this person reads mail at that address.</p>,
                    action: 'Confirm address',
                    run: async () => {
                      const confirmEmail = user.pendingEmail ?? user.email ?? '';
                      await update.mutateAsync({ params: { id: user.id }, body: { confirmEmail } });
                      markChanged('people', user.id);
                    },
                  })
                }
              >
                Confirm address…
              </Menu.Item>
            ) : null}
            <Menu.Item
              onClick={() =>
                openDialog({
                  title: `Sign-in link for ${name(user)}`,
                  size: 520,
                  content: (close) => <SignInLink userId={user.id} onClose={close} />,
                })
              }
            >
              Make a sign-in link
            </Menu.Item>
            <Menu.Item
              disabled={user.sessions === 0}
              onClick={() =>
                ask({
                  title: `End the sessions of ${name(user)}`,
                  body: <p>Ends {plural(user.sessions, 'session')} with their next request. They can sign in again.</p>,
                  action: 'End sessions',
                  run: () => endSessions.mutateAsync({ params: { id: user.id } }),
                })
              }
            >
              End sessions…
            </Menu.Item>
            <Menu.Divider />
            <Menu.Item
              color="danger"
              onClick={() =>
                ask({
                  title: `Delete the account of ${name(user)}`,
                  body: (
                    <p>
                      Ends all sessions at once and takes them out of their teams. What they did stays in the audit
                      trail.
                    </p>
                  ),
                  action: 'Delete account',
                  isDangerous: true,
                  typeName: name(user),
                  run: () => remove.mutateAsync({ params: { id: user.id } }),
                })
              }
            >
              Delete account…
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      ),
    },
  ];

  return (
    <QueryView query={users} what="the people" fill>
      {(page) => (
        <>
          <Toolbar>
            <SearchBox label="Find by name or address" value={search['q'] ?? ''} onChange={(q) => setSearch({ q })} />
            <span className="dim">
              {page.total > page.data.length
                ? `${count(page.data.length)} of ${plural(page.total, 'person', 'people')}; search to narrow`
                : plural(page.total, 'person', 'people')}
            </span>
          </Toolbar>
          <TablePanel>
            <DataTable
              name="people"
              label="People"
              columns={columns}
              rows={page.data}
              rowKey={(user) => user.id}
              empty={
                <Empty
                  title={search['q'] ? `No person matches “${search['q']}”` : 'Nobody yet'}
                  icon={<IconUsers size={32} stroke={1.3} />}
                >
                  {search['q']
                    ? null
                    : 'Open the setup link of the daemon to create the first account, then invite colleagues in “Your team”.'}
                </Empty>
              }
            />
          </TablePanel>
        </>
      )}
    </QueryView>
  );
}

/** Makes a link, and shows it this once. */
function SignInLink({ userId, onClose }: { userId: string; onClose: () => void }) {
  const { mutate, data, error } = useChange(createSignInLink);
  useEffect(() => mutate({ params: { id: userId } }), [mutate, userId]);
  return (
    <div className="stack">
      {error ? <Problem error={error} /> : null}
      {data ? (
        <>
          <Notice tone="warn" title="Anyone with this link can sign in as this person, once">
            <p>A two-factor code is still required.</p>
          </Notice>
          <HandOver url={data.url} notes={data.linkNotes} what="sign-in link" />
          <p className="dim">
            It ends <At at={data.expiresAt} />.
          </p>
        </>
      ) : null}
      <div className="row" style={{ justifyContent: 'flex-end' }}>
        <Button variant="filled" onClick={onClose}>
          Close
        </Button>
      </div>
    </div>
  );
}
