import { Type } from 'typebox';
import { AppParams, envelope, page } from '../schema/common.ts';
import {
  AllSessions,
  AllSessionsQuery,
  PersonQuery,
  PersonStay,
  SessionDetail,
  SessionExportQuery,
  SessionFigures,
  SessionParams,
  SessionQuery,
  SessionRow,
  SessionStaysQuery,
} from '../schema/sessions.ts';
import { operation } from './operation.ts';

const tag = 'Sessions';

export const listRoomSessions = operation({
  id: 'listRoomSessions',
  method: 'GET',
  path: '/apps/{app}/sessions',
  tag,
  summary: 'List the sessions of an app’s rooms, newest first',
  description:
    'A session is one life of a room, from its start to its end. `analytics` in the config sets what is kept.',
  access: { permission: 'session:read' },
  share: 'work',
  params: AppParams,
  query: SessionQuery,
  responses: { 200: page(SessionRow) },
});

export const exportSessions = operation({
  id: 'exportSessions',
  method: 'GET',
  path: '/apps/{app}/sessions/export',
  tag,
  summary: 'Export the sessions of an app as CSV or JSON lines',
  description:
    "Takes the filters of the list. Rows are sent as they are read, newest first. In CSV, a text that a spreadsheet would take for a formula begins with `'`.",
  access: { permission: 'session:read' },
  share: 'download',
  params: AppParams,
  query: SessionExportQuery,
  responses: { 200: Type.String() },
  produces: 'text/csv',
  alsoProduces: ['application/jsonl'],
});

export const getSessionFigures = operation({
  id: 'getSessionFigures',
  method: 'GET',
  path: '/apps/{app}/sessions/figures',
  tag,
  summary: 'Get the figures of an app’s sessions of 14 days',
  access: { permission: 'session:read' },
  share: 'work',
  params: AppParams,
  responses: { 200: envelope(SessionFigures) },
});

export const listPersonStays = operation({
  id: 'listPersonStays',
  method: 'GET',
  path: '/apps/{app}/sessions/people',
  tag,
  summary: 'List the connections of one person in all sessions of an app, newest first',
  access: { permission: 'session:read' },
  share: 'work',
  params: AppParams,
  query: PersonQuery,
  responses: { 200: page(PersonStay) },
});

export const getSession = operation({
  id: 'getSession',
  method: 'GET',
  path: '/apps/{app}/sessions/{id}',
  tag,
  summary: 'Get a session with its participants, tracks, recordings, ingests, events and gaps',
  description: '`limit` and `offset` page through the participants. Of everything else there are at most 1,000.',
  access: { permission: 'session:read' },
  share: 'work',
  params: SessionParams,
  query: SessionStaysQuery,
  responses: { 200: SessionDetail },
  errors: ['SESSION_UNKNOWN'],
});

export const listAllSessions = operation({
  id: 'listAllSessions',
  method: 'GET',
  path: '/sessions',
  tag,
  summary: 'List the sessions of all apps that you may see, newest first',
  access: { permission: 'session:read' },
  share: 'work',
  query: AllSessionsQuery,
  responses: { 200: AllSessions },
});

export const getAllSessionFigures = operation({
  id: 'getAllSessionFigures',
  method: 'GET',
  path: '/sessions/figures',
  tag,
  summary: 'Get the figures of sessions of 14 days, over all apps that you may see',
  access: { permission: 'session:read' },
  share: 'work',
  responses: { 200: envelope(SessionFigures) },
});
