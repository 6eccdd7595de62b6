import { IconHistory } from '@tabler/icons-react';
import {
  getAllSessionFigures,
  getSession,
  getSessionFigures,
  listAllSessions,
  listPersonStays,
  listRoomSessions,
} from '#shared/contract/sessions.ts';
import { getSessionQuality, getStayQuality } from '#shared/contract/telemetry.ts';
import { type Feature, screen } from '../feature.ts';

const lists = [listRoomSessions, listAllSessions, getSessionFigures, getAllSessionFigures, listPersonStays];

export const sessions: Feature = {
  pages: [
    screen('/sessions', () => import('./sessions-page.tsx'), 'SessionsPage'),
    screen('/apps/$app/sessions/$session', () => import('./session-page.tsx'), 'SessionPage'),
  ],
  section: { id: 'sessions', label: 'Sessions', path: '/sessions', key: 'h', Icon: IconHistory, group: 'work' },
  live: {
    refreshes: {
      sessions: [...lists, getSession, getSessionQuality, getStayQuality],
      apps: [listAllSessions, getAllSessionFigures],
    },
  },
};
