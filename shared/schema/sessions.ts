import { type Static, Type } from 'typebox';
import { LEAVE_REASONS } from '../rules/leave-reasons.ts';
import { Instant, nullable, object, oneOf, paging, period } from './common.ts';

/** Between which two instants something happened that no event told. */
const Between = nullable(object({ from: Instant, to: Instant }, { title: 'Period' }), {
  description: 'Null if the time is exact. Otherwise no event told it, and it was between these two times.',
});

const SESSION = {
  id: Type.Integer(),
  app: Type.String({ description: 'Name of the app.' }),
  room: Type.String({ examples: ['live-stage'] }),
  roomSid: Type.String({ description: 'LiveKit’s id of this life of the room.', examples: ['RM_8fK2mQvTzXcL'] }),
  node: nullable(
    Type.String({ description: 'The node that the daemon put the room on; null if LiveKit chose the node.' }),
  ),
  startedAt: Instant,
  startKnown: Type.Boolean({ description: 'False: it had already started when the first event arrived.' }),
  endedAt: nullable(Instant, { description: 'Null while it runs.' }),
  endedBetween: Between,
  durationSeconds: Type.Number({
    description: 'Up to now while it runs; up to the first instant of `endedBetween` where nobody told the end.',
  }),
  participants: Type.Integer({
    description:
      'People who were in the room, each identity once. Recorders, hidden participants and agents don’t count.',
  }),
  connections: Type.Integer({ description: 'How often these people joined.' }),
  publishers: Type.Integer({ description: 'Of the participants, those who published something.' }),
  peak: Type.Integer({ description: 'Most connections at the same time.' }),
  participantSeconds: Type.Number({ description: 'Time that all connections lasted together, as far as it is known.' }),
  errors: Type.Integer({
    description: 'Connections that ended by a fault, failed recordings, live HLS and ingests.',
  }),
};
/** One life of a room. */
export const SessionRow = object(SESSION, { title: 'RoomSession' });
export type SessionRow = Static<typeof SessionRow>;

const PARTICIPANT_KINDS = ['standard', 'ingress', 'egress', 'sip', 'agent', 'connector', 'bridge', 'unknown'] as const;
export type ParticipantKind = (typeof PARTICIPANT_KINDS)[number];

export const SessionTrack = object({
  sid: Type.String(),
  kind: Type.String({ description: '`audio`, `video` or `data`.' }),
  source: Type.String({ examples: ['camera', 'microphone', 'screen_share'] }),
  codec: Type.String({ description: 'Empty if LiveKit did not say.' }),
  width: nullable(Type.Integer()),
  height: nullable(Type.Integer()),
  startedAt: Instant,
  startedBetween: Between,
  endedAt: nullable(Instant),
  endedBetween: Between,
});
export type SessionTrack = Static<typeof SessionTrack>;

const STAY = {
  id: Type.Integer(),
  sid: Type.String({ description: 'LiveKit’s id of this connection.', examples: ['PA_8fK2mQvTzXcL'] }),
  identity: nullable(
    Type.String({
      description: 'Null if `analytics.identities` is `none`; `h-` and a keyed hash if it is `hashed`.',
    }),
  ),
  name: nullable(Type.String()),
  kind: oneOf(PARTICIPANT_KINDS, { title: 'SeenParticipantKind' }),
  hidden: Type.Boolean(),
  counted: Type.Boolean({ description: 'It counts as a participant of the session.' }),
  published: Type.Boolean(),
  joinedAt: Instant,
  joinedBetween: Between,
  leftAt: nullable(Instant, { description: 'Null while the participant is there.' }),
  leftBetween: Between,
  reason: nullable(oneOf([...LEAVE_REASONS], { title: 'LeaveReason' }), {
    description: 'Why the participant left; null while it is there.',
  }),
  reasonText: nullable(Type.String({ description: 'The reason in words.' })),
  isFault: Type.Boolean({ description: 'It left because something went wrong.' }),
  client: nullable(Type.String({ description: 'Browser or SDK, where the client tells it.' })),
  region: nullable(Type.String({ description: 'Region of the LiveKit node it was connected to.' })),
};

/** One connection of a participant. */
export const SessionStay = object({ ...STAY, tracks: Type.Array(SessionTrack) });
export type SessionStay = Static<typeof SessionStay>;

const SessionRecording = object({
  id: Type.Integer({ description: 'Id of the VOD.' }),
  name: Type.String(),
  status: Type.String(),
  startedAt: Instant,
  endedAt: nullable(Instant),
  durationS: nullable(Type.Number()),
  error: nullable(Type.String()),
});

const SessionIngest = object({
  ingressId: Type.String(),
  resourceId: Type.String({ description: 'LiveKit’s id of this use of the ingest.' }),
  type: Type.String(),
  identity: nullable(Type.String()),
  startedAt: Instant,
  endedAt: nullable(Instant),
  reason: nullable(Type.String()),
  error: nullable(Type.String()),
});

const SessionEvent = object({
  at: Instant,
  kind: Type.String({ examples: ['recording_failed', 'ingress_ended'] }),
  about: Type.String({ examples: ['recording 7'] }),
  text: nullable(Type.String()),
  isError: Type.Boolean(),
});

const SessionGap = object({
  from: Instant,
  to: Instant,
  cause: oneOf(['daemon', 'livekit', 'events'], {
    description:
      'The daemon did not run, LiveKit could not be reached, or events were lost. Someone who came and left within it is missing.',
  }),
});

/** The most recordings, ingests, events and gaps of one session that are answered. */
export const SESSION_PARTS_MAX = 1000;

export const SessionDetail = object({
  ...SESSION,
  recordings: Type.Array(SessionRecording),
  ingests: Type.Array(SessionIngest),
  events: Type.Array(SessionEvent),
  gaps: Type.Array(SessionGap),
  stays: object({
    data: Type.Array(SessionStay, { description: 'In order of joining.' }),
    total: Type.Integer(),
    limit: Type.Integer(),
    offset: Type.Integer(),
  }),
});
export type SessionDetail = Static<typeof SessionDetail>;

const FILTERS = {
  room: Type.Optional(Type.String({ maxLength: 256, description: 'Exact room name.' })),
  identity: Type.Optional(
    Type.String({
      maxLength: 256,
      description: 'Exact identity of someone who was there, also if only its hash is kept.',
    }),
  ),
  q: Type.Optional(
    Type.String({
      maxLength: 256,
      description:
        'Beginning of a room name, or of the identity of someone who was there. Case matters. At most 100 identities are looked up.',
    }),
  ),
  errors: Type.Optional(Type.Boolean({ description: 'Only sessions with errors.' })),
  running: Type.Optional(Type.Boolean({ description: 'Only sessions that run.' })),
  ...period,
};

export const SessionQuery = object({ ...FILTERS, ...paging() });
export type SessionQuery = Static<typeof SessionQuery>;
export type SessionFilters = Omit<SessionQuery, 'limit' | 'offset'>;

/** Skipping more rows than this over all apps would cost too much; narrow the period instead. */
const ALL_SESSIONS_MAX_OFFSET = 10_000;

export const AllSessionsQuery = object({
  app: Type.Optional(Type.String({ maxLength: 64, description: 'Only sessions of this app.' })),
  ...FILTERS,
  ...paging(200, 100),
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: ALL_SESSIONS_MAX_OFFSET, default: 0 })),
});
export type AllSessionsQuery = Static<typeof AllSessionsQuery>;

export const AllSessions = object({
  data: Type.Array(SessionRow),
  more: Type.Boolean({ description: 'There are further rows, or the database of an app can’t be read.' }),
  limit: Type.Integer(),
  offset: Type.Integer(),
});
export type AllSessions = Static<typeof AllSessions>;

export const SessionParams = object({
  app: Type.String({ description: 'Name of the app.', examples: ['live'] }),
  id: Type.String({ maxLength: 128, description: '`id` or `roomSid` of the session.' }),
});

export const SessionStaysQuery = object({
  q: Type.Optional(
    Type.String({ maxLength: 256, description: 'Only participants whose identity or name contains this text.' }),
  ),
  faults: Type.Optional(Type.Boolean({ description: 'Only connections that ended by a fault.' })),
  ...paging(2000, 500),
});
export type SessionStaysQuery = Static<typeof SessionStaysQuery>;

export const PersonQuery = object({
  identity: Type.String({ minLength: 1, maxLength: 256, description: 'Exact identity, or its stored hash.' }),
  ...paging(1000, 100),
});
export type PersonQuery = Static<typeof PersonQuery>;

/** A connection of one person, with its session. */
export const PersonStay = object({ ...STAY, session: SessionRow });
export type PersonStay = Static<typeof PersonStay>;

const EXPORT_FORMATS = ['csv', 'jsonl'] as const;
export const SessionExportQuery = object({
  ...FILTERS,
  format: Type.Optional(oneOf(EXPORT_FORMATS, { title: 'ExportFormat', default: 'csv' })),
  of: Type.Optional(
    oneOf(['sessions', 'participants'], {
      default: 'sessions',
      description: '`participants`: a row for each connection, with its session.',
    }),
  ),
});
export type SessionExportQuery = Static<typeof SessionExportQuery>;

const FIGURES = {
  sessions: Type.Integer(),
  participants: Type.Integer({ description: 'Added up over sessions.' }),
  participantMinutes: Type.Number(),
  peak: Type.Integer({ description: 'Highest peak of a session.' }),
  errors: Type.Integer(),
};
export const FIGURE_DAYS = 14;
export const SessionFigures = object({
  days: Type.Array(object({ day: Type.String({ description: 'UTC, `YYYY-MM-DD`.' }), ...FIGURES }), {
    description: 'Oldest first. A session counts for the day on which it started.',
  }),
  apps: Type.Array(object({ app: Type.String(), ...FIGURES }), { description: 'Most minutes first, at most 50.' }),
  rooms: Type.Array(object({ app: Type.String(), room: Type.String(), ...FIGURES }), {
    description: 'Most minutes first, at most 20.',
  }),
  total: object(FIGURES),
  running: object(
    { sessions: Type.Integer(), participants: Type.Integer({ description: 'In these sessions now.' }) },
    { description: 'Sessions that run, up to 30 s ago.' },
  ),
});
export type SessionFigures = Static<typeof SessionFigures>;
