import { listAllRooms } from '#shared/contract/rooms.ts';
import { usePages } from '../../api/query.ts';
import { useSearchState } from '../../daemon/links.tsx';
import type { Column } from '../../ui/data/table.tsx';
import { Page } from '../../ui/layout/page.tsx';
import type { Room } from './room-words.ts';
import { nameColumn, ROOMS_EVERY, RoomsList, roomColumns } from './rooms-list.tsx';

/** The open rooms of all apps. */
export function RoomsPage() {
  const [search] = useSearchState();
  const query = search['q'] ? { q: search['q'] } : {};
  const list = usePages(listAllRooms, { query }, { every: ROOMS_EVERY, keep: true });
  return (
    <Page title="Rooms" fill>
      <RoomsList
        list={list}
        columns={columns}
        hint="A room appears here as soon as someone joins it. To create one with limits, open its app."
      />
    </Page>
  );
}

const columns: readonly Column<Room>[] = [
  nameColumn,
  { id: 'app', header: 'App', width: 'minmax(90px, 1fr)', sort: (room) => room.app, cell: (room) => room.app },
  ...roomColumns,
];
