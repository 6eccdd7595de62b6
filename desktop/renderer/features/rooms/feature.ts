import { IconUsersGroup } from '@tabler/icons-react';
import { getParticipant, getRoom, listAllRooms, listRooms } from '#shared/contract/rooms.ts';
import { getStats } from '#shared/contract/system.ts';
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
    // the rooms themselves can't be read while LiveKit is away
    count: counter(getStats, ({ counts }) => (counts.rooms > 0 ? { count: String(counts.rooms) } : {})),
  },
  live: {
    refreshes: {
      rooms: [...all, getStats],
      vods: [...lists, getRoom],
      'livekit.reachable': all,
      'livekit.unreachable': all,
      'app.deleted': lists,
    },
  },
};
