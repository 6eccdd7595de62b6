import { ActionIcon } from '@mantine/core';
import { IconEye } from '@tabler/icons-react';
import { watchRoom } from '#shared/contract/rooms.ts';
import { useLack } from '../../api/rights.ts';
import { useGo } from '../../daemon/links.tsx';
import { roomPath } from '../rooms/room-words.ts';

/** Lets staff look into a room, hidden. */
export function WatchRoomButton({ app, room }: { app: string; room: string }) {
  const lack = useLack(watchRoom);
  const go = useGo();
  const label = `Watch ${room}`;
  return (
    <ActionIcon
      size="sm"
      variant="subtle"
      aria-label={label}
      title={lack === undefined ? label : `Watching needs ${lack}.`}
      disabled={lack !== undefined}
      onClick={() => go(roomPath(app, room), { watch: 'yes' })}
    >
      <IconEye size={16} />
    </ActionIcon>
  );
}
