import { listPersonStays } from '#shared/contract/sessions.ts';
import type { PersonStay } from '#shared/schema/sessions.ts';
import { usePages } from '../../api/query.ts';
import { GoTo } from '../../daemon/links.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { duration, plural } from '../../ui/words/format.ts';
import { At } from '../../ui/words/time.tsx';

/** One person in all sessions of an app. */
export function PersonPanel({
  app,
  identity,
  onClose,
}: {
  app: string;
  identity: string | undefined;
  onClose: () => void;
}) {
  return (
    <SidePanel isOpen={identity !== undefined} onClose={onClose} title={identity ?? ''} size={620}>
      {identity === undefined ? null : <Stays app={app} identity={identity} />}
    </SidePanel>
  );
}

function Stays({ app, identity }: { app: string; identity: string }) {
  const { pages, rows, total, readMore } = usePages(listPersonStays, { params: { app }, query: { identity } });
  const columns: readonly Column<PersonStay>[] = [
    {
      id: 'room',
      header: 'Session',
      isName: true,
      width: 'minmax(110px, 2fr)',
      cell: ({ session }) => <GoTo to={`/apps/${app}/sessions/${session.id}`}>{session.room}</GoTo>,
    },
    { id: 'joined', header: 'Joined', width: '130px', cell: (stay) => <At at={stay.joinedAt} /> },
    {
      id: 'for',
      header: 'Duration',
      width: '90px',
      cell: (stay) =>
        stay.leftAt === null ? (
          <State tone="ok">there</State>
        ) : (
          duration((Date.parse(stay.leftBetween?.from ?? stay.leftAt) - Date.parse(stay.joinedAt)) / 1000)
        ),
    },
    {
      id: 'reason',
      header: 'Why it ended',
      width: 'minmax(120px, 2fr)',
      cell: (stay) => (stay.isFault ? <State tone="danger">{stay.reasonText}</State> : (stay.reasonText ?? '')),
    },
  ];
  return (
    <QueryView query={pages} what="the connections">
      {() => (
        <>
          <p className="dim">{plural(total, 'connection')}</p>
          <DataTable
            name="person"
            label={`Connections of ${identity}`}
            columns={columns}
            rows={rows}
            rowKey={(stay) => stay.id}
            maxHeight={560}
            onEnd={readMore}
            empty={<Empty title="No connection of this identity is kept" />}
          />
        </>
      )}
    </QueryView>
  );
}
