import { Button } from '@mantine/core';
import { IconUsersGroup } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { DaemonError } from '#shared/client/errors.ts';
import type { listAllRooms } from '#shared/contract/rooms.ts';
import type { usePages } from '../../api/query.ts';
import { GoTo, useGo, useSearchState } from '../../daemon/links.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Tag } from '../../ui/feedback/state.tsx';
import { SearchBox } from '../../ui/form/search-box.tsx';
import { TablePanel, Toolbar } from '../../ui/layout/page.tsx';
import { count, plural } from '../../ui/words/format.ts';
import { Ago } from '../../ui/words/time.tsx';
import { type Room, roomPath } from './room-words.ts';

/** Milliseconds; events bring changes sooner, where LiveKit sends them. */
export const ROOMS_EVERY = 15_000;

/** Open rooms, of one app or of all. */
export function RoomsList({
  list: { pages, rows, total, readMore },
  columns,
  action,
  hint,
}: {
  list: ReturnType<typeof usePages<typeof listAllRooms>>;
  columns: readonly Column<Room>[];
  action?: ReactNode;
  /** What to do when there is no room. */
  hint: ReactNode;
}) {
  const [search, setSearch] = useSearchState();
  const go = useGo();
  if (pages.error instanceof DaemonError && pages.error.code === 'LIVEKIT_NOT_CONFIGURED') {
    return (
      <Empty
        title="LiveKit is not set up"
        icon={<IconUsersGroup size={32} stroke={1.3} />}
        action={
          <GoTo to="/settings" search={{ q: 'LIVEKIT' }}>
            How to set it up
          </GoTo>
        }
      >
        Rooms are on a LiveKit server. {pages.error.message}
      </Empty>
    );
  }
  const query = search['q'] ?? '';
  return (
    <>
      <Toolbar>
        <SearchBox label="Find by name" value={query} onChange={(q) => setSearch({ q })} />
        <span className="dim">{pages.data ? plural(total, 'room') : ''}</span>
        <span className="grow" />
        {action}
      </Toolbar>
      <QueryView query={pages} what="the rooms" fill>
        {() => (
          <TablePanel>
            <DataTable
              name="rooms"
              label="Rooms"
              columns={columns}
              rows={rows}
              rowKey={(room) => room.name}
              onOpen={(room) => go(roomPath(room.app, room.name))}
              onEnd={readMore}
              empty={
                query === '' ? (
                  <Empty title="No open room" icon={<IconUsersGroup size={32} stroke={1.3} />}>
                    {hint}
                  </Empty>
                ) : (
                  <Empty
                    title={`No open room matches “${query}”`}
                    action={<Button onClick={() => setSearch({ q: '' })}>Clear the search</Button>}
                  />
                )
              }
            />
          </TablePanel>
        )}
      </QueryView>
    </>
  );
}

const number = (value: number) => (value === 0 ? <span className="dim">0</span> : count(value));

export const nameColumn: Column<Room> = {
  id: 'name',
  header: 'Room',
  isName: true,
  width: 'minmax(140px, 2fr)',
  sort: (room) => room.name,
  cell: (room) => (
    <span className="row">
      <code className="cut" title={room.name}>
        {room.name}
      </code>
      {room.recording ? <Tag tone="danger">rec</Tag> : null}
    </span>
  ),
};

export const roomColumns: readonly Column<Room>[] = [
  {
    id: 'publishers',
    header: 'Publishers',
    width: '84px',
    align: 'end',
    sort: (room) => room.publishers,
    cell: (room) => number(room.publishers),
  },
  {
    id: 'viewers',
    header: 'Viewers',
    width: '84px',
    align: 'end',
    sort: (room) => room.viewers,
    cell: (room) => number(room.viewers),
  },
  {
    id: 'limit',
    header: 'Limit',
    width: '70px',
    align: 'end',
    from: 'wide',
    sort: (room) => room.maxParticipants,
    cell: (room) => (room.maxParticipants === null ? <span className="dim">none</span> : count(room.maxParticipants)),
  },
  {
    id: 'node',
    header: 'Node',
    width: 'minmax(90px, 1fr)',
    from: 'medium',
    sort: (room) => room.node,
    cell: (room) =>
      room.node === null ? (
        <span className="dim">unknown</span>
      ) : (
        <span className="cut" title={room.region ?? undefined}>
          {room.node}
        </span>
      ),
  },
  {
    id: 'since',
    header: 'Started',
    width: '110px',
    sort: (room) => (room.startedAt === null ? null : Date.parse(room.startedAt)),
    cell: (room) => <Ago at={room.startedAt} />,
  },
];
