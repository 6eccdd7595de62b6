import { participantMs, sessionEnd } from '#daemon/platform/db/app/sums.ts';
import { contains, filteredList, type Page } from '#daemon/platform/db/filtered-list.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import { prepared } from '#daemon/platform/db/prepared.ts';
import { iso } from '#shared/instants.ts';
import { faultReasons } from '#shared/rules/leave-reasons.ts';
import { SESSION_PARTS_MAX } from '#shared/schema/sessions.ts';
import {
  EARLY_MS,
  type GapRecord,
  type IngestRecord,
  type SessionEventRecord,
  type SessionRecord,
  type StayRecord,
  type TrackRecord,
} from './repository.ts';

/** A session with its length, and with the time of all its connections together, up to now where it runs; milliseconds. */
export interface SessionWithTime extends SessionRecord {
  duration_ms: number;
  participant_ms: number;
}

/** A place in the list, newest first. */
export interface Cursor {
  started_at: number;
  id: number;
}

/** What a list of sessions is narrowed to; times in milliseconds since 1970. */
export interface SessionFilter {
  room?: string | undefined;
  /** Identities, one of which was there. */
  identities?: readonly string[] | undefined;
  /** Beginning of a room or of an identity. */
  q?: string | undefined;
  errors?: boolean | undefined;
  running?: boolean | undefined;
  since?: number | undefined;
  until?: number | undefined;
}

export interface RecordingOfSession {
  id: number;
  name: string;
  status: string;
  started_at: string;
  ended_at: string | null;
  duration_s: number | null;
  error: string | null;
}

export interface FigureRow {
  sessions: number;
  participants: number;
  participant_ms: number;
  peak: number;
  errors: number;
}

/** Sessions that run, and who is in them. */
export interface RunningRow {
  sessions: number;
  participants: number;
}

/** Identities that begin with a text and are looked up. */
const MAX_IDENTITIES = 100;
const MAX_TRACKS = 50_000;
/** Names of rooms that a search looks up. */
const MAX_FOUND = 51;
const LAST_CHARACTER = '\u{10FFFF}';
const NOW = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";
const PARTICIPANT_MS = participantMs(NOW);
const COLUMNS = `id, sid, room, node, started_at, is_start_known, ended_at, ended_from, stays, participants, publishers,
  present, closed_ms, peak, errors, is_settled, ${sessionEnd(NOW)} - started_at AS duration_ms, ${PARTICIPANT_MS} AS participant_ms`;
const FIGURES = `count(*) AS sessions, total(participants) AS participants, total(${PARTICIPANT_MS}) AS participant_ms,
  coalesce(max(peak), 0) AS peak, total(errors) AS errors`;

interface FoundRoom {
  room: string;
  session: number;
  /** When it started, milliseconds since 1970. */
  at: number;
}
interface FoundPerson extends FoundRoom {
  identity: string;
  present: 0 | 1;
}
export interface Found {
  rooms: FoundRoom[];
  people: FoundPerson[];
}

interface Range {
  from: string;
  to: string;
}
/** All texts that begin with one. */
const rangeOf = (text: string): Range => ({ from: text, to: `${text}${LAST_CHARACTER}` });

/** The different values of an indexed column within a range: each is one step in the index. */
function distinctFrom(db: Db, table: string, column: string, most: number): (range: Range) => string[] {
  const sql = db
    .prepare<[Range], string>(
      `WITH RECURSIVE found (value) AS (
         SELECT min(${column}) FROM ${table} WHERE ${column} >= @from AND ${column} < @to
         UNION ALL
         SELECT (SELECT min(${column}) FROM ${table} WHERE ${column} > found.value AND ${column} < @to)
         FROM found WHERE found.value IS NOT NULL
         LIMIT ${most + 1})
       SELECT value FROM found WHERE value IS NOT NULL LIMIT ${most}`,
    )
    .pluck();
  return (range) => sql.all(range);
}

type FilterKey = 'room' | 'identities' | 'q' | 'errors' | 'running' | 'since' | 'until' | 'after';

/** SQL that reads sessions of an app's database. */
export const sessionReading = prepared((db: Db) => {
  const rows = filteredList<SessionWithTime, FilterKey>(db, {
    table: 'room_sessions',
    columns: COLUMNS,
    conditions: {
      room: 'room = @room',
      identities:
        'id IN (SELECT session_id FROM room_stays WHERE identity IN (SELECT value FROM json_each(@identities)))',
      q: `((room >= @q ->> '$.from' AND room < @q ->> '$.to') OR
        id IN (SELECT session_id FROM room_stays WHERE identity IN (SELECT value FROM json_each(@q, '$.people'))))`,
      errors: 'errors > 0',
      running: 'ended_at IS NULL',
      since: 'started_at >= @since',
      until: 'started_at <= @until',
      after: "(started_at, id) < (@after ->> '$.started_at', @after ->> '$.id')",
    },
    order: 'started_at DESC, id DESC',
  });
  const beginning = distinctFrom(db, 'room_stays', 'identity', MAX_IDENTITIES);
  const roomsFrom = distinctFrom(db, 'room_sessions', 'room', MAX_FOUND);
  const newestIn = db.prepare<[string], FoundRoom>(
    `SELECT room, id AS session, started_at AS at FROM room_sessions
     WHERE room = ? ORDER BY started_at DESC, id DESC LIMIT 1`,
  );
  const newestStay = db.prepare<[string], FoundPerson>(
    `SELECT identity, session_id AS session, room, joined_at AS at, left_at IS NULL AS present
     FROM room_stays JOIN room_sessions ON room_sessions.id = session_id
     WHERE identity = ? ORDER BY session_id DESC LIMIT 1`,
  );
  const filterOf = ({ identities, q, errors, running, ...filter }: SessionFilter) => {
    const range = q === undefined || q === '' ? undefined : rangeOf(q);
    return {
      ...filter,
      identities: identities === undefined ? undefined : JSON.stringify(identities),
      q: range === undefined ? undefined : JSON.stringify({ ...range, people: beginning(range) }),
      errors: errors ? 1 : undefined,
      running: running ? 1 : undefined,
    };
  };
  const one = db.prepare<[string, number], SessionWithTime>(
    `SELECT ${COLUMNS} FROM room_sessions WHERE sid = ? OR id = ?`,
  );
  const byIds = db.prepare<[string], SessionWithTime>(
    `SELECT ${COLUMNS} FROM room_sessions WHERE id IN (SELECT value FROM json_each(?))`,
  );
  const newest = db.prepare<[], number | null>('SELECT max(started_at) FROM room_sessions').pluck();
  const stays = filteredList<StayRecord, 'session' | 'q' | 'faults'>(db, {
    table: 'room_stays',
    conditions: {
      session: 'session_id = @session',
      q: `(${contains('identity', '@q')} OR ${contains('name', '@q')})`,
      faults: `reason IN (${faultReasons().join(', ')})`,
    },
    order: 'joined_at, id',
  });
  const tracks = db.prepare<[string], TrackRecord>(
    `SELECT * FROM room_tracks WHERE stay_id IN (SELECT value FROM json_each(?)) LIMIT ${MAX_TRACKS}`,
  );
  const person = filteredList<StayRecord, 'identities'>(db, {
    table: 'room_stays',
    conditions: { identities: 'identity IN (SELECT value FROM json_each(@identities))' },
    order: 'session_id DESC',
  });
  const recordings = db.prepare<[string, string, string], RecordingOfSession>(
    `SELECT id, name, status, started_at, ended_at, duration_s, error FROM vods
     WHERE room = ? AND started_at >= ? AND started_at <= ? ORDER BY started_at DESC LIMIT ${SESSION_PARTS_MAX}`,
  );
  const ingests = db.prepare<[string, number, number], IngestRecord>(
    `SELECT * FROM room_ingests WHERE room = ? AND started_at BETWEEN ? AND ? ORDER BY started_at LIMIT ${SESSION_PARTS_MAX}`,
  );
  const events = db.prepare<[string, number, number], SessionEventRecord>(
    `SELECT * FROM room_events WHERE room = ? AND began_at BETWEEN ? AND ? ORDER BY began_at LIMIT ${SESSION_PARTS_MAX}`,
  );
  const gaps = db.prepare<[number], GapRecord>(
    `SELECT * FROM room_gaps WHERE session_id = ? LIMIT ${SESSION_PARTS_MAX}`,
  );
  const figures = db.prepare<[number, number], FigureRow>(
    `SELECT ${FIGURES} FROM room_sessions WHERE started_at >= ? AND started_at < ?`,
  );
  const running = db.prepare<[], RunningRow>(
    'SELECT count(*) AS sessions, total(present) AS participants FROM room_sessions WHERE ended_at IS NULL',
  );
  const roomFigures = db.prepare<[number, number], FigureRow & { room: string }>(
    `SELECT room, ${FIGURES} FROM room_sessions WHERE started_at >= ? AND started_at < ?
     GROUP BY room ORDER BY participant_ms DESC LIMIT 200`,
  );
  const span = ({ started_at, ended_at }: SessionRecord): [number, number] => [
    started_at - EARLY_MS,
    ended_at ?? Number.MAX_SAFE_INTEGER,
  ];
  return {
    page: (filter: SessionFilter, page: Page) => rows.page(filterOf(filter), page),
    /** The first rows of a list, or the first after one of them. */
    rows: (filter: SessionFilter, limit: number, after?: Cursor) => ({
      rows: rows.rows(
        { ...filterOf(filter), after: after && JSON.stringify({ started_at: after.started_at, id: after.id }) },
        { limit, offset: 0 },
      ),
    }),
    /** The session of a room sid, or of a row id. */
    find: (id: string) => one.get(id, /^[1-9]\d{0,15}$/.test(id) ? Number(id) : -1),
    /** Rooms and people whose names begin with one of the texts, with the newest session of each. */
    search: (rooms: readonly string[], people: readonly string[], limit: number): Found => {
      const names = (texts: readonly string[], from: typeof beginning): string[] =>
        [...new Set(texts.flatMap((text) => from(rangeOf(text))))].slice(0, limit);
      return {
        rooms: names(rooms, roomsFrom).flatMap((room) => newestIn.get(room) ?? []),
        people: names(people, beginning).flatMap((identity) => newestStay.get(identity) ?? []),
      };
    },
    byIds: (ids: readonly number[]) => byIds.all(JSON.stringify(ids)),
    /** When the newest session began, milliseconds; null = there is none. */
    newest: () => newest.get() ?? null,
    stays: (session: number, filter: { q?: string | undefined; faults?: boolean | undefined }, page: Page) =>
      stays.page({ session, q: filter.q || undefined, faults: filter.faults ? 1 : undefined }, page),
    tracksOf: (stayIds: readonly number[]) => tracks.all(JSON.stringify(stayIds)),
    person: (identities: readonly string[], page: Page) =>
      person.page({ identities: JSON.stringify(identities) }, page),
    recordings: (session: SessionRecord) => {
      const [from, to] = span(session);
      return recordings.all(session.room, iso(from), iso(Math.min(to, MAX_TIME)));
    },
    ingests: (session: SessionRecord) => ingests.all(session.room, ...span(session)),
    events: (session: SessionRecord) => events.all(session.room, ...span(session)).sort((a, b) => a.at - b.at),
    gaps: (session: SessionRecord) => gaps.all(session.id),
    /** Sums of the sessions that began in a span. */
    figures: (from: number, to: number) => figures.get(from, to) as FigureRow,
    running: () => running.get() as RunningRow,
    roomFigures: (from: number, to: number) => roomFigures.all(from, to),
  };
});

const MAX_TIME = Date.UTC(9999, 0);
