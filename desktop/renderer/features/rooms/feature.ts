import { IconUsersGroup } from '@tabler/icons-react';
import { getParticipant, getRoom, listAllRooms, listRooms } from '#shared/contract/rooms.ts';
import { counter, type Feature, screen } from '../feature.ts';

const lists = [listAllRooms, listRooms];
const all = [...lists, getRoom, getParticipant];

export const rooms: Feature = {
  pages: [
    screen('/rooms', () => import('./rooms-page.tsx'), 'RoomsPage'),
    screen('/apps/$app/rooms/$room', () => import('./room-page.tsx'), 'RoomPage'),
  ],
  section: {
    id: 'rooms',
    label: 'Rooms',
    path: '/rooms',
    key: 'r',
    Icon: IconUsersGroup,
    group: 'work',
    count: counter(listAllRooms, ({ total }) => (total > 0 ? { count: String(total) } : {}), { query: { limit: 1 } }),
  },
  live: {
    refreshes: {
      rooms: all,
      vods: [...lists, getRoom],
      'livekit.reachable': all,
      'livekit.unreachable': all,
      'app.deleted': lists,
    },
  },
};
