import type { Db } from '#daemon/platform/db/open.ts';
import { prepared } from '#daemon/platform/db/prepared.ts';

/** A life of a room. Times are milliseconds since 1970. */
export interface SessionRecord {
  id: number;
  sid: string;
  room: string;
  node: string | null;
  started_at: number;
  is_start_known: 0 | 1;
  ended_at: number | null;
  ended_from: number | null;
  stays: number;
  participants: number;
  publishers: number;
  present: number;
  closed_ms: number;
  peak: number;
  errors: number;
  is_settled: 0 | 1;
}

/** A connection of a participant. */
export interface StayRecord {
  id: number;
  sid: string;
  session_id: number;
  identity: string | null;
  name: string | null;
  /** Kind of LiveKit's protocol; null = not told. */
  kind: number | null;
  is_hidden: 0 | 1;
  is_counted: 0 | 1;
  has_published: 0 | 1;
  joined_at: number;
  joined_from: number | null;
  left_at: number | null;
  left_from: number | null;
  reason: number;
  client: string | null;
  region: string | null;
}

export interface TrackRecord {
  id: number;
  sid: string;
  stay_id: number;
  kind: string;
  source: string;
  codec: string;
  width: number | null;
  height: number | null;
  published_at: number;
  published_from: number | null;
  ended_at: number | null;
  ended_from: number | null;
}

export interface IngestRecord {
  id: number;
  resource_id: string;
  ingress_id: string;
  type: string;
  room: string;
  identity: string | null;
  started_at: number;
  ended_at: number | null;
  reason: string | null;
  error: string | null;
}

export interface SessionEventRecord {
  kind: string;
  /** What it is about. */
  ref: string;
  room: string;
  /** When that began: the session of that time is the one it belongs to. */
  began_at: number;
  at: number;
  text: string | null;
  is_error: 0 | 1;
}

export type GapCause = 'daemon' | 'livekit' | 'events';

export interface GapRecord {
  session_id: number;
  from_at: number;
  to_at: number;
  cause: GapCause;
}

/** What a change of a stay adds to the sums of its session. */
export interface SumChange {
  id: number;
  stays: number;
  participants: number;
  publishers: number;
  present: number;
  closed_ms: number;
  joined_sum: number;
  errors: number;
}

/** An ingest or a recording can begin so much before its room, by the clocks of two machines. */
export const EARLY_MS = 5000;
const FOREVER = Number.MAX_SAFE_INTEGER;
/** Connections of one identity that are looked at, to count people and not connections. */
const LOOKED_AT = 50;

const SESSION = `id, sid, room, node, started_at, is_start_known, ended_at, ended_from, stays, participants, publishers,
  present, closed_ms, peak, errors, is_settled`;

/** SQL that writes sessions, in an app's database. */
export const sessionRepository = prepared((db: Db) => {
  const bySid = db.prepare<[string], SessionRecord>(`SELECT ${SESSION} FROM room_sessions WHERE sid = ?`);
  const insert = db.prepare<[Pick<SessionRecord, 'sid' | 'room' | 'node' | 'started_at' | 'is_start_known'>]>(
    `INSERT INTO room_sessions (sid, room, node, started_at, is_start_known, errors)
     SELECT @sid, @room, @node, @started_at, @is_start_known, count(*) FROM room_events
     WHERE room = @room AND is_error = 1 AND began_at >= @started_at - ${EARLY_MS} AND began_at < coalesce(
       (SELECT min(started_at) FROM room_sessions WHERE room = @room AND started_at > @started_at), ${FOREVER}) - ${EARLY_MS}`,
  );
  const running = db.prepare<[], SessionRecord>(`SELECT ${SESSION} FROM room_sessions WHERE ended_at IS NULL`);
  const runningIn = db.prepare<[string], SessionRecord>(
    `SELECT ${SESSION} FROM room_sessions WHERE ended_at IS NULL AND +room = ?`,
  );
  const isAnyRunning = db.prepare<[], number>('SELECT 1 FROM room_sessions WHERE ended_at IS NULL LIMIT 1').pluck();
  const setStart = db.prepare<[number, 0 | 1, number]>(
    'UPDATE room_sessions SET started_at = ?, is_start_known = ? WHERE id = ?',
  );
  const setNode = db.prepare<[string, number]>('UPDATE room_sessions SET node = ? WHERE id = ?');
  const setEnd = db.prepare<[number, number | null, number]>(
    'UPDATE room_sessions SET ended_at = max(?, started_at), ended_from = ?, is_settled = 0 WHERE id = ?',
  );
  const addSums = db.prepare<[SumChange]>(
    `UPDATE room_sessions SET stays = stays + @stays, participants = participants + @participants,
       publishers = publishers + @publishers, present = present + @present, closed_ms = closed_ms + @closed_ms,
       joined_sum = joined_sum + @joined_sum, errors = errors + @errors,
       peak = max(peak, CASE WHEN ended_at IS NULL THEN present + @present ELSE 0 END),
       is_settled = CASE WHEN ended_at IS NULL THEN is_settled ELSE 0 END
     WHERE id = @id`,
  );
  const unsettled = db.prepare<[], SessionRecord>(
    `SELECT ${SESSION} FROM room_sessions WHERE is_settled = 0 AND ended_at IS NOT NULL LIMIT 20`,
  );
  const settle = db.prepare<[number, number, number | null]>(
    'UPDATE room_sessions SET peak = ?, is_settled = 1 WHERE id = ? AND ended_at IS ?',
  );
  const spans = db.prepare<[number, number, number, number], { id: number; joined_at: number; left_at: number | null }>(
    `SELECT id, joined_at, left_at FROM room_stays
     WHERE session_id = ? AND (joined_at, id) > (?, ?) AND is_counted = 1 ORDER BY joined_at, id LIMIT ?`,
  );

  const staySid = db.prepare<[string], StayRecord>('SELECT * FROM room_stays WHERE sid = ?');
  const openStays = db.prepare<[number], StayRecord>(
    'SELECT * FROM room_stays WHERE session_id = ? AND left_at IS NULL',
  );
  const lastStay = db.prepare<[], number | null>('SELECT max(id) FROM room_stays').pluck();
  const insertStay = db.prepare<[Omit<StayRecord, 'id'>]>(
    `INSERT INTO room_stays (sid, session_id, identity, name, kind, is_hidden, is_counted, has_published, joined_at,
       joined_from, left_at, left_from, reason, client, region)
     VALUES (@sid, @session_id, @identity, @name, @kind, @is_hidden, @is_counted, @has_published, @joined_at,
       @joined_from, @left_at, @left_from, @reason, @client, @region)`,
  );
  const updateStay = db.prepare<[StayRecord]>(
    `UPDATE room_stays SET identity = @identity, name = @name, kind = @kind, is_hidden = @is_hidden,
       is_counted = @is_counted, has_published = @has_published, joined_at = @joined_at, joined_from = @joined_from,
       left_at = @left_at, left_from = @left_from, reason = @reason, client = @client, region = @region
     WHERE id = @id`,
  );
  const others = db.prepare<[string, number, number], { counted: 0 | 1 | null; publishing: 0 | 1 | null }>(
    `SELECT max(is_counted) AS counted, max(is_counted AND has_published) AS publishing FROM
       (SELECT is_counted, has_published FROM room_stays
        WHERE identity = ? AND session_id = ? AND id <> ? LIMIT ${LOOKED_AT})`,
  );

  const trackSid = db.prepare<[string], TrackRecord>('SELECT * FROM room_tracks WHERE sid = ?');
  const openTracks = db.prepare<[number], TrackRecord>(
    'SELECT * FROM room_tracks WHERE stay_id = ? AND ended_at IS NULL',
  );
  const countTracks = db.prepare<[number], number>('SELECT count(*) FROM room_tracks WHERE stay_id = ?').pluck();
  const putTrack = db.prepare<[Omit<TrackRecord, 'id'>]>(
    `INSERT INTO room_tracks (sid, stay_id, kind, source, codec, width, height, published_at, published_from, ended_at, ended_from)
     VALUES (@sid, @stay_id, @kind, @source, @codec, @width, @height, @published_at, @published_from, @ended_at, @ended_from)
     ON CONFLICT (sid) DO UPDATE SET kind = @kind, source = @source, codec = @codec, width = @width, height = @height,
       published_at = @published_at, published_from = @published_from, ended_at = @ended_at, ended_from = @ended_from`,
  );

  const startIngest = db.prepare<[Omit<IngestRecord, 'id' | 'ended_at' | 'reason' | 'error'>]>(
    `INSERT INTO room_ingests (resource_id, ingress_id, type, room, identity, started_at)
     VALUES (@resource_id, @ingress_id, @type, @room, @identity, @started_at)
     ON CONFLICT (resource_id) DO UPDATE SET started_at = min(started_at, @started_at)`,
  );
  const endIngest = db.prepare<[Omit<IngestRecord, 'id'>]>(
    `INSERT INTO room_ingests (resource_id, ingress_id, type, room, identity, started_at, ended_at, reason, error)
     VALUES (@resource_id, @ingress_id, @type, @room, @identity, @started_at, @ended_at, @reason, @error)
     ON CONFLICT (resource_id) DO UPDATE SET ended_at = max(started_at, @ended_at), reason = @reason, error = @error`,
  );
  const sessionAt = db.prepare<[string, number], SessionRecord>(
    `SELECT ${SESSION} FROM room_sessions WHERE room = ? AND started_at <= ? ORDER BY started_at DESC, id DESC LIMIT 1`,
  );
  const addEvent = db.prepare<[SessionEventRecord]>(
    `INSERT OR IGNORE INTO room_events (kind, ref, room, began_at, at, text, is_error)
     VALUES (@kind, @ref, @room, @began_at, @at, @text, @is_error)`,
  );
  const addErrors = db.prepare<[number]>('UPDATE room_sessions SET errors = errors + 1 WHERE id = ?');
  const lastGap = db.prepare<[number], GapRecord & { id: number }>(
    'SELECT * FROM room_gaps WHERE session_id = ? ORDER BY id DESC LIMIT 1',
  );
  const insertGap = db.prepare<[GapRecord]>(
    'INSERT INTO room_gaps (session_id, from_at, to_at, cause) VALUES (@session_id, @from_at, @to_at, @cause)',
  );
  const extendGap = db.prepare<[number, number]>('UPDATE room_gaps SET to_at = ? WHERE id = ?');

  const watch = db.prepare<[], { heard_at: number; listed_at: number }>('SELECT * FROM session_watch WHERE id = 1');
  const setWatch = db.prepare<[{ heard: number; listed: number }]>(
    `INSERT INTO session_watch (id, heard_at, listed_at) VALUES (1, @heard, @listed)
     ON CONFLICT (id) DO UPDATE SET heard_at = max(heard_at, @heard), listed_at = max(listed_at, @listed)`,
  );

  const oldStays = db.prepare<[number, number]>(
    'DELETE FROM room_stays WHERE id IN (SELECT id FROM room_stays WHERE session_id = ? LIMIT ?)',
  );
  const endedBefore = db
    .prepare<[number], number>('SELECT id FROM room_sessions WHERE ended_at < ? ORDER BY ended_at LIMIT 1')
    .pluck();
  const oldestEnded = db
    .prepare<[], number>('SELECT id FROM room_sessions WHERE ended_at IS NOT NULL ORDER BY ended_at LIMIT 1')
    .pluck();
  const removeSession = db.prepare<[number]>('DELETE FROM room_sessions WHERE id = ?');
  const removeIngests = db.prepare<[number, number]>(
    'DELETE FROM room_ingests WHERE id IN (SELECT id FROM room_ingests WHERE started_at < ? LIMIT ?)',
  );
  const removeEvents = db.prepare<[number, number]>(
    'DELETE FROM room_events WHERE id IN (SELECT id FROM room_events WHERE began_at < ? LIMIT ?)',
  );
  const removeOver = db.prepare<[number]>(
    'DELETE FROM room_stays WHERE id IN (SELECT id FROM room_stays WHERE left_at IS NOT NULL ORDER BY id LIMIT ?)',
  );
  const ends = db.prepare<[], { last: number; first: number }>(
    'SELECT coalesce(max(id), 0) AS last, coalesce(min(id), 0) AS first FROM room_stays',
  );
  const count = db.prepare<[], number>('SELECT count(*) FROM room_stays').pluck();

  return {
    bySid: (sid: string) => bySid.get(sid),
    insert: (session: Parameters<typeof insert.run>[0]) => {
      insert.run(session);
      return bySid.get(session.sid) as SessionRecord;
    },
    running: () => running.all(),
    runningIn: (room: string) => runningIn.all(room),
    isAnyRunning: () => isAnyRunning.get() !== undefined,
    setStart: (id: number, at: number, isKnown: boolean) => void setStart.run(at, isKnown ? 1 : 0, id),
    setNode: (id: number, node: string) => void setNode.run(node, id),
    /** @param from null = the end is known exactly */
    setEnd: (id: number, at: number, from: number | null) => void setEnd.run(at, from, id),
    addSums: (change: SumChange) => void addSums.run(change),
    /** Ended sessions whose peak is to be counted. */
    unsettled: () => unsettled.all(),
    settle: ({ id, ended_at }: SessionRecord, peak: number) => void settle.run(peak, id, ended_at),
    /** The counted stays of a session in order of their start, after one of them. */
    spans: (session: number, after: { joined_at: number; id: number }, limit: number) =>
      spans.all(session, after.joined_at, after.id, limit),
    stay: (sid: string) => staySid.get(sid),
    openStays: (session: number) => openStays.all(session),
    lastStay: () => lastStay.get() ?? 0,
    insertStay: (stay: Omit<StayRecord, 'id'>): StayRecord => ({
      ...stay,
      id: Number(insertStay.run(stay).lastInsertRowid),
    }),
    updateStay: (stay: StayRecord) => void updateStay.run(stay),
    /** Is there another connection of that identity in the session, which counts, which publishes? */
    others: (identity: string, session: number, stay: number) => {
      const found = others.get(identity, session, stay);
      return { isCounted: found?.counted === 1, isPublishing: found?.publishing === 1 };
    },
    track: (sid: string) => trackSid.get(sid),
    openTracks: (stay: number) => openTracks.all(stay),
    countTracks: (stay: number) => countTracks.get(stay) as number,
    putTrack: (track: Omit<TrackRecord, 'id'>) => void putTrack.run(track),
    startIngest: (ingest: Parameters<typeof startIngest.run>[0]) => void startIngest.run(ingest),
    endIngest: (ingest: Omit<IngestRecord, 'id'>) => void endIngest.run(ingest),
    /** Stores what happened, and counts an error in its session; once for each kind and ref. */
    addEvent: (event: SessionEventRecord) => {
      if (addEvent.run(event).changes === 0 || event.is_error === 0) return;
      const session = sessionAt.get(event.room, event.began_at + EARLY_MS);
      if (session !== undefined && (session.ended_at ?? FOREVER) >= event.began_at) addErrors.run(session.id);
    },
    addGap: (gap: GapRecord) => {
      const last = lastGap.get(gap.session_id);
      if (last !== undefined && last.cause === gap.cause && last.to_at >= gap.from_at) {
        extendGap.run(Math.max(last.to_at, gap.to_at), last.id);
      } else insertGap.run(gap);
    },
    /** Until when events were received, and lists compared; 0 = never. */
    watch: () => watch.get() ?? { heard_at: 0, listed_at: 0 },
    heard: (at: number) => void setWatch.run({ heard: at, listed: 0 }),
    listed: (at: number) => void setWatch.run({ heard: 0, listed: at }),
    /** Removes some stays of a session, with their tracks. @returns how many */
    removeStays: (session: number, limit: number) => oldStays.run(session, limit).changes,
    endedBefore: (at: number) => endedBefore.get(at),
    oldestEnded: () => oldestEnded.get(),
    remove: (session: number) => void removeSession.run(session),
    /** Removes some ingests and events from before a time. @returns how many */
    removeOld: (before: number, limit: number) =>
      removeIngests.run(before, limit).changes + removeEvents.run(before, limit).changes,
    /** Removes those of the oldest stays that are over. @returns how many */
    removeOver: (limit: number) => removeOver.run(limit).changes,
    /** How many stays there are beyond so many; 0 = not more. */
    beyond: (most: number) => {
      // to count them takes a while; ids alone can say that they can't be that many
      const { last, first } = ends.get() ?? { last: 0, first: 0 };
      return last - first < most ? 0 : Math.max(0, (count.get() as number) - most);
    },
  };
});
