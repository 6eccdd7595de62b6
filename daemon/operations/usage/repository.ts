import {
  earliestBefore,
  participantMs,
  recordedLength,
  recordedWithinDay,
  STAY_END,
  STORED_BYTES,
  sessionEnd,
} from '#daemon/platform/db/app/sums.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import { prepared } from '#daemon/platform/db/prepared.ts';
import { iso } from '#shared/instants.ts';

/** What an app used on one day. */
export interface UsageRow {
  /** Whole days since 1970, in UTC. */
  day: number;
  sessions: number;
  session_ms: number;
  participant_ms: number;
  recorded_s: number;
  stored_bytes: number | null;
}

/** A part of a day; milliseconds since 1970. */
interface Span {
  from: number;
  to: number;
  now: number;
}

const END = sessionEnd('@now');

/** SQL of `usage_days`, and of what it is made from, in an app's database. */
export const usageRepository = prepared((db: Db) => {
  const days = db.prepare<[number, number], UsageRow>(
    'SELECT * FROM usage_days WHERE day >= ? AND day < ? ORDER BY day',
  );
  const lastBefore = db.prepare<[number], number | null>('SELECT max(day) FROM usage_days WHERE day < ?').pluck();
  const remove = db.prepare<[number]>('DELETE FROM usage_days WHERE day = ?');
  const firstSession = db.prepare<[], number | null>('SELECT min(started_at) FROM room_sessions').pluck();
  const put = db.prepare<[UsageRow]>(
    `INSERT OR IGNORE INTO usage_days (day, sessions, session_ms, participant_ms, recorded_s, stored_bytes)
     VALUES (@day, @sessions, @session_ms, @participant_ms, @recorded_s, @stored_bytes)`,
  );
  const begun = db
    .prepare<[{ from: number; to: number }], number>(
      'SELECT count(*) FROM room_sessions WHERE started_at >= @from AND started_at < @to',
    )
    .pluck();
  const within = db.prepare<[Span], { session_ms: number; participant_ms: number }>(
    `SELECT CAST(total(${END} - started_at) AS INTEGER) AS session_ms,
       CAST(total(${participantMs('@now')}) AS INTEGER) AS participant_ms
     FROM room_sessions WHERE started_at >= @from AND started_at < @to AND ${END} <= @to`,
  );
  const beyond = db.prepare<[Span], { id: number; from_at: number; to_at: number }>(
    `SELECT id, max(started_at, @from) AS from_at, min(${END}, @to) AS to_at FROM room_sessions
       WHERE started_at >= @from AND started_at < @to AND ${END} > @to
     UNION ALL
     SELECT id, @from, min(${END}, @to) FROM room_sessions WHERE ended_at > @from AND started_at < @from
     UNION ALL
     SELECT id, @from, min(@now, @to) FROM room_sessions WHERE ended_at IS NULL AND started_at < @from`,
  );
  const stays = db
    .prepare<[{ session: number; from: number; to: number }], number>(
      `SELECT CAST(total(max(0, min(coalesce(${STAY_END}, @to), @to) - max(joined_at, @from))) AS INTEGER)
     FROM room_stays WHERE session_id = @session AND is_counted = 1`,
    )
    .pluck();
  const recorded = db
    .prepare<[Record<'from' | 'to' | 'now', string>], number>(
      `SELECT ${recordedWithinDay('@from', recordedLength('@now'))} FROM vods
       WHERE started_at >= ${earliestBefore('@from')} AND started_at < @to`,
    )
    .pluck();
  const underWay = db
    .prepare<[{ to: number; at: string }], number>(
      `SELECT EXISTS (SELECT 1 FROM room_sessions WHERE ended_at IS NULL AND started_at < @to)
         OR EXISTS (SELECT 1 FROM vods WHERE status IN ('recording', 'uploading') AND started_at < @at)`,
    )
    .pluck();
  const watched = db
    .prepare<[], number>('SELECT coalesce(max(max(heard_at, listed_at)), 0) FROM session_watch')
    .pluck();
  const stored = db.prepare<[], number>(`SELECT ${STORED_BYTES} FROM vods`).pluck();
  return {
    days: (from: number, to: number) => days.all(from, to),
    /** The last day before this one that is kept. */
    lastBefore: (day: number) => lastBefore.get(day) ?? null,
    remove: (day: number) => void remove.run(day),
    /** When the oldest session began, milliseconds since 1970. */
    firstSession: () => firstSession.get() ?? null,
    put: (row: UsageRow) => void put.run(row),
    begun: (from: number, to: number) => begun.get({ from, to }) as number,
    /** Sums of sessions that were open within the span only. */
    within: (span: Span) => within.get(span) as { session_ms: number; participant_ms: number },
    /** Sessions that were open within it and beyond it, and how long within it. */
    beyond: (span: Span) => beyond.all(span).filter(({ from_at, to_at }) => to_at > from_at),
    /** Time of all counted connections of a session within a span, milliseconds. */
    stays: (session: number, from: number, to: number) => stays.get({ session, from, to }) as number,
    /** Seconds within the span of a day, also of recordings that began before it. */
    recorded: ({ from, to, now }: Span) => recorded.get({ from: iso(from), to: iso(to), now: iso(now) }) as number,
    /** Does a session or recording that began before this time still run, as far as is known? */
    isUnderWay: (to: number) => underWay.get({ to, at: iso(to) }) === 1,
    /** Until when it is known what runs, as the last run of the daemon left it; 0 = not known. */
    watched: () => watched.get() as number,
    stored: () => stored.get() as number,
  };
});
