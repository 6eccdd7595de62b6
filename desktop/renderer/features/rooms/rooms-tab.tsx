import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { createRoom, listRooms } from '#shared/contract/rooms.ts';
import { usePages } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { useSearchState } from '../../daemon/links.tsx';
import { CreateRoom } from './create-room.tsx';
import { nameColumn, ROOMS_EVERY, RoomsList, roomColumns } from './rooms-list.tsx';

/** The open rooms of an app. */
export function RoomsTab({ app }: { app: string }) {
  const [search, setSearch] = useSearchState();
  const query = search['q'] ? { q: search['q'] } : {};
  const list = usePages(listRooms, { params: { app }, query }, { every: ROOMS_EVERY, keep: true });
  const lack = useLack(createRoom);
  return (
    <>
      <RoomsList
        list={list}
        columns={columns}
        action={
          <Button
            variant="filled"
            leftSection={<IconPlus size={15} />}
            disabled={lack !== undefined}
            title={lack && `Needs ${lack}.`}
            onClick={() => setSearch({ create: 'yes' })}
          >
            Create room
          </Button>
        }
        hint="A room opens by itself when someone joins with a token. Create one to set its limits."
      />
      <CreateRoom app={app} isOpen={search['create'] !== undefined} onClose={() => setSearch({ create: undefined })} />
    </>
  );
}

const columns = [nameColumn, ...roomColumns];
