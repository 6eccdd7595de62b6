import { Button, SegmentedControl } from '@mantine/core';
import { IconKey, IconPlus } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { listApps } from '#shared/contract/apps.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { createToken, listTokens, revokeToken } from '#shared/contract/tokens.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useMe } from '../../api/rights.ts';
import { useSearchState } from '../../daemon/links.tsx';
import { markChanged } from '../../ui/data/marks.ts';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { ask } from '../../ui/feedback/confirm.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Tag } from '../../ui/feedback/state.tsx';
import { SearchBox } from '../../ui/form/search-box.tsx';
import { TablePanel, Toolbar } from '../../ui/layout/page.tsx';
import { useCommands } from '../../ui/palette/use-commands.ts';
import { plural } from '../../ui/words/format.ts';
import { Ago, At } from '../../ui/words/time.tsx';
import { CreateToken } from './create-token.tsx';

type Token = ResultOf<typeof listTokens>[number];

const isExpired = ({ expiresAt }: Token): boolean => expiresAt !== null && Date.parse(expiresAt) <= Date.now();

/** Tokens for programs: what each may do, from where, and when it was last used. */
export function TokensTab() {
  const tokens = useRead(listTokens);
  const apps = useRead(listApps);
  const me = useMe();
  const revoke = useChange(revokeToken, { refreshes: [listTokens] });
  const [search, setSearch] = useSearchState();
  const [isCreating, setCreating] = useState(false);
  useCommands('tokens', [
    { id: createToken.id, group: 'Actions', label: 'Create an API token', run: () => setCreating(true) },
  ]);
  const appNames = useMemo(() => new Map(apps.data?.map((app) => [app.id, app.name])), [apps.data]);
  const columns = useMemo(
    () =>
      columnsFor(appNames, me?.userId, (token) =>
        ask({
          title: `Revoke token ${token.name}`,
          body: (
            <p>
              Whatever uses it is refused from its next request on.{' '}
              {token.lastUsedAt ? 'It was last used ' : 'It was never used.'}
              {token.lastUsedAt ? <Ago at={token.lastUsedAt} /> : null}
              {token.lastUsedIp ? ` from ${token.lastUsedIp}.` : null}
              {me?.userId === `token:${token.id}`
                ? ' It is the token that you are signed in with: you will be signed out.'
                : ''}
            </p>
          ),
          action: 'Revoke token',
          isDangerous: true,
          run: () => revoke.mutateAsync({ params: { id: token.id } }),
        }),
      ),
    [appNames, me?.userId, revoke.mutateAsync],
  );
  const shown = search['show'] === 'all' ? 'all' : 'live';
  const query = (search['q'] ?? '').toLowerCase();
  return (
    <QueryView query={tokens} what="the tokens" fill>
      {(all) => {
        const rows = all.filter(
          (token) =>
            (shown === 'all' || !token.revoked) &&
            `${token.name} ${appNames.get(token.appId ?? -1) ?? ''}`.toLowerCase().includes(query),
        );
        return (
          <>
            <Toolbar>
              <SearchBox label="Find by name or app" value={search['q'] ?? ''} onChange={(q) => setSearch({ q })} />
              <SegmentedControl
                size="xs"
                aria-label="Which tokens"
                value={shown}
                onChange={(value) => setSearch({ show: value === 'all' ? 'all' : '' })}
                data={[
                  { value: 'live', label: 'In use' },
                  { value: 'all', label: 'Include revoked' },
                ]}
              />
              <span className="grow" />
              <Button variant="filled" leftSection={<IconPlus size={15} />} onClick={() => setCreating(true)}>
                Create token
              </Button>
            </Toolbar>
            <TablePanel>
              <DataTable
                name="tokens"
                label="API tokens"
                columns={columns}
                rows={rows}
                rowKey={(token) => token.id}
                isDim={(token) => token.revoked}
                empty={
                  <Empty
                    title={query === '' ? 'No token' : `No token matches “${query}”`}
                    icon={<IconKey size={32} stroke={1.3} />}
                  >
                    {query === '' ? 'A token lets a program use the API, on everything or on one app only.' : null}
                  </Empty>
                }
              />
            </TablePanel>
            <CreateToken
              isOpen={isCreating}
              onClose={() => setCreating(false)}
              onCreated={(id) => markChanged('tokens', id)}
            />
          </>
        );
      }}
    </QueryView>
  );
}

function columnsFor(
  apps: ReadonlyMap<number, string>,
  own: string | undefined,
  onRevoke: (token: Token) => void,
): readonly Column<Token>[] {
  return [
    {
      id: 'name',
      header: 'Name',
      width: 'minmax(140px, 2fr)',
      sort: (token) => token.name,
      cell: (token) => (
        <span className="row">
          <span className="cut">{token.name}</span>
          {own === `token:${token.id}` ? <Tag tone="info">you</Tag> : null}
          {token.revoked ? <Tag>revoked</Tag> : isExpired(token) ? <Tag tone="warn">expired</Tag> : null}
        </span>
      ),
    },
    {
      id: 'scope',
      header: 'Scope',
      width: 'minmax(100px, 1fr)',
      sort: (token) => (token.scope === 'global' ? '' : (apps.get(token.appId ?? -1) ?? '~')),
      cell: (token) =>
        token.scope === 'global' ? (
          'global'
        ) : (
          <span>app {apps.get(token.appId ?? -1) ?? <span className="dim">gone</span>}</span>
        ),
    },
    {
      id: 'access',
      header: 'Access',
      width: 'minmax(90px, 1fr)',
      from: 'medium',
      cell: (token) =>
        token.readOnly ? (
          'read-only'
        ) : token.permissions === null ? (
          'full'
        ) : (
          <span title={token.permissions.join('\n')} className="cut">
            {token.permissions.length === 1 ? (
              <code>{token.permissions[0]}</code>
            ) : (
              plural(token.permissions.length, 'permission')
            )}
          </span>
        ),
    },
    {
      id: 'expires',
      header: 'Expires',
      width: '110px',
      from: 'medium',
      sort: (token) => (token.expiresAt ? Date.parse(token.expiresAt) : null),
      cell: (token) => (token.expiresAt ? <At at={token.expiresAt} /> : <span className="dim">never</span>),
    },
    {
      id: 'ips',
      header: 'From addresses',
      width: 'minmax(110px, 1fr)',
      from: 'medium',
      cell: (token) =>
        token.allowedIps.length === 0 ? (
          <span className="dim">anywhere</span>
        ) : (
          <code title={token.allowedIps.join('\n')}>{token.allowedIps.join(', ')}</code>
        ),
    },
    {
      id: 'used',
      header: 'Last used',
      width: '110px',
      sort: (token) => (token.lastUsedAt ? Date.parse(token.lastUsedAt) : null),
      cell: (token) => (
        <span title={token.lastUsedIp ? `from ${token.lastUsedIp}` : undefined}>
          <Ago at={token.lastUsedAt} />
        </span>
      ),
    },
    {
      id: 'created',
      header: 'Created',
      width: '110px',
      from: 'medium',
      sort: (token) => Date.parse(token.createdAt),
      cell: (token) => <Ago at={token.createdAt} />,
    },
    {
      id: 'menu',
      header: '',
      width: '76px',
      align: 'end',
      cell: (token) =>
        token.revoked ? null : (
          <Button size="xs" variant="subtle" aria-label={`Revoke ${token.name}`} onClick={() => onRevoke(token)}>
            Revoke
          </Button>
        ),
    },
  ];
}
