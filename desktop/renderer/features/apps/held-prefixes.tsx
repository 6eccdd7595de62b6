import { Button } from '@mantine/core';
import { freePrefix, listHeldPrefixes } from '#shared/contract/apps.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { listTenants } from '#shared/contract/teams.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { ask } from '../../ui/feedback/confirm.tsx';
import { openDialog } from '../../ui/feedback/dialog.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { At } from '../../ui/words/time.tsx';

type Held = ResultOf<typeof listHeldPrefixes>['data'][number];

/** Opens the list of held prefixes; absent while there are none, and for everyone but operators. */
export function HeldPrefixesButton() {
  const held = useRead(listHeldPrefixes, undefined, { enabled: useLack(listHeldPrefixes) === undefined });
  if (!held.data?.length) return null;
  return (
    <Button onClick={() => openDialog({ title: 'Held room prefixes', size: 720, content: () => <HeldPrefixes /> })}>
      Held prefixes ({held.data.length})
    </Button>
  );
}

function HeldPrefixes() {
  const held = useRead(listHeldPrefixes);
  const teams = useRead(listTenants);
  const free = useChange(freePrefix, { refreshes: [listHeldPrefixes] });
  const teamOf = ({ tenantId }: Held): string => teams.data?.find(({ id }) => id === tenantId)?.name ?? tenantId;
  const columns: readonly Column<Held>[] = [
    {
      id: 'prefix',
      header: 'Room prefix',
      width: 'minmax(120px, 1fr)',
      sort: ({ prefix }) => prefix,
      cell: ({ prefix }) => <code>{prefix}</code>,
    },
    { id: 'team', header: 'Held for', width: 'minmax(100px, 1fr)', sort: teamOf, cell: teamOf },
    { id: 'app', header: 'App', width: 'minmax(80px, 1fr)', from: 'medium', cell: ({ app }) => app },
    {
      id: 'until',
      header: 'Until',
      width: '130px',
      sort: ({ heldUntil }) => Date.parse(heldUntil),
      cell: ({ heldUntil }) => <At at={heldUntil} />,
    },
    {
      id: 'free',
      header: '',
      width: '80px',
      align: 'end',
      cell: (row) => (
        <Button
          size="xs"
          variant="subtle"
          aria-label={`Free the prefix ${row.prefix}`}
          onClick={() =>
            ask({
              title: `Free the prefix ${row.prefix}`,
              body: (
                <p>
                  Any team can use it then. Join tokens that {teamOf(row)} made for its rooms can still be valid and
                  would open the new app's rooms.
                </p>
              ),
              action: 'Free prefix',
              isDangerous: true,
              run: () => free.mutateAsync({ params: { prefix: row.prefix } }),
            })
          }
        >
          Free
        </Button>
      ),
    },
  ];
  return (
    <div className="stack">
      <p>
        An app that was renamed or deleted gave up these prefixes. Its team can use them again at any time. Other teams
        can't, while old join tokens can still be valid.
      </p>
      <QueryView query={held} what="the held prefixes">
        {(rows) => (
          <DataTable
            name="held-prefixes"
            label="Held room prefixes"
            columns={columns}
            rows={rows}
            rowKey={({ prefix, tenantId }) => `${prefix} ${tenantId}`}
            maxHeight={380}
            empty={<Empty title="No prefix is held" />}
          />
        )}
      </QueryView>
    </div>
  );
}
