import { filteredList, type Page } from '#daemon/platform/db/filtered-list.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import { prepared } from '#daemon/platform/db/prepared.ts';
import type { StreamType } from '#shared/schema/streams.ts';

export interface StreamRecord {
  id: number;
  app_id: number;
  stream_id: string;
  type: StreamType;
  room: string;
  participant: string | null;
  status: 'active' | 'ended';
  started_at: string;
  ended_at: string | null;
  last_stats_json: string | null;
  participant_sid: string | null;
  room_sid: string | null;
}

export interface StreamFilter {
  status: 'active' | 'ended' | 'all';
  room?: string | undefined;
}

/** SQL of `streams` and `stream_tracks` in an app's database. */
export const streamRepository = prepared((db: Db) => {
  const insert = db.prepare<[Omit<StreamRecord, 'id' | 'ended_at' | 'last_stats_json'>]>(
    `INSERT INTO streams (app_id, stream_id, type, room, participant, status, started_at, participant_sid, room_sid)
     VALUES (@app_id, @stream_id, @type, @room, @participant, @status, @started_at, @participant_sid, @room_sid)`,
  );
  const byRow = db.prepare<[number], StreamRecord>('SELECT * FROM streams WHERE id = ?');
  const byAny = db.prepare<[string, number], StreamRecord>('SELECT * FROM streams WHERE stream_id = ? OR id = ?');
  const activeOf = db.prepare<[string], StreamRecord>(
    "SELECT * FROM streams WHERE participant_sid = ? AND status = 'active'",
  );
  const countOf = db.prepare<[string], number>('SELECT count(*) FROM streams WHERE participant_sid = ?').pluck();
  const activeIn = db.prepare<[string], StreamRecord>("SELECT * FROM streams WHERE room = ? AND status = 'active'");
  const active = db.prepare<[], StreamRecord>("SELECT * FROM streams WHERE status = 'active'");
  const countActive = db.prepare<[], number>("SELECT count(*) FROM streams WHERE status = 'active'").pluck();
  const lastRow = db.prepare<[], number | null>('SELECT max(id) FROM streams').pluck();
  const end = db.prepare<[string, number]>(
    "UPDATE streams SET status = 'ended', ended_at = max(?, started_at) WHERE id = ? AND status = 'active'",
  );
  const setType = db.prepare<[string, number]>('UPDATE streams SET type = ? WHERE id = ?');
  const rows = filteredList<StreamRecord, 'status' | 'room'>(db, {
    table: 'streams',
    conditions: { status: 'status = @status', room: 'room = @room' },
    order: 'started_at DESC, id DESC',
  });
  const addTrack = db.prepare<[string, number]>(
    'INSERT OR IGNORE INTO stream_tracks (track_sid, stream_row) VALUES (?, ?)',
  );
  const trackRow = db.prepare<[string], number>('SELECT stream_row FROM stream_tracks WHERE track_sid = ?').pluck();
  const removeTrack = db.prepare<[string]>('DELETE FROM stream_tracks WHERE track_sid = ?');
  const removeTracks = db.prepare<[number]>('DELETE FROM stream_tracks WHERE stream_row = ?');
  const tracksOf = db.prepare<[number], string>('SELECT track_sid FROM stream_tracks WHERE stream_row = ?').pluck();
  return {
    insert: (row: Omit<StreamRecord, 'id' | 'ended_at' | 'last_stats_json'>) =>
      byRow.get(Number(insert.run(row).lastInsertRowid)) as StreamRecord,
    get: (id: number) => byRow.get(id),
    /** By streamId, else by row id. */
    find: (id: string) => byAny.get(id, /^[1-9]\d{0,15}$/.test(id) ? Number(id) : -1),
    activeOf: (participantSid: string) => activeOf.get(participantSid),
    countOf: (participantSid: string) => countOf.get(participantSid) as number,
    activeIn: (room: string) => activeIn.all(room),
    active: () => active.all(),
    countActive: () => countActive.get() as number,
    lastRow: () => lastRow.get() ?? 0,
    end: (id: number, at: string) => {
      removeTracks.run(id);
      end.run(at, id);
      return byRow.get(id) as StreamRecord;
    },
    setType: (id: number, type: StreamType) => {
      setType.run(type, id);
      return byRow.get(id) as StreamRecord;
    },
    page: ({ status, room }: StreamFilter, page: Page) =>
      rows.page({ status: status === 'all' ? undefined : status, room }, page),
    addTrack: (trackSid: string, row: number) => addTrack.run(trackSid, row),
    trackRow: (trackSid: string) => trackRow.get(trackSid),
    removeTrack: (trackSid: string) => removeTrack.run(trackSid),
    tracksOf: (row: number) => tracksOf.all(row),
  };
});

/** SQL of what is remembered of LiveKit's events. */
export const livekitMemory = prepared((db: Db) => {
  const remember = db.prepare<[string, number]>('INSERT OR IGNORE INTO livekit_events (id, at) VALUES (?, ?)');
  const isGone = db.prepare<[string], number>('SELECT 1 FROM livekit_gone WHERE sid = ?').pluck();
  const setGone = db.prepare<[string, number]>('INSERT OR IGNORE INTO livekit_gone (sid, at) VALUES (?, ?)');
  const forgetEvents = db.prepare<[number]>('DELETE FROM livekit_events WHERE at < ?');
  const forgetGone = db.prepare<[number]>('DELETE FROM livekit_gone WHERE at < ?');
  return {
    /** False if the event was stored before. */
    remember: (eventId: string, at: number) => remember.run(eventId, at).changes > 0,
    isGone: (sid: string) => sid !== '' && isGone.get(sid) !== undefined,
    setGone: (sid: string, at: number) => {
      if (sid !== '') setGone.run(sid, at);
    },
    /** The recorder of an egress joined its room, or its connection was lost. */
    setRecorder: (egressId: string, state: 'joined' | 'lost', at: number) =>
      setGone.run(`recorder ${state} ${egressId}`, at),
    isRecorder: (egressId: string, state: 'joined' | 'lost') =>
      isGone.get(`recorder ${state} ${egressId}`) !== undefined,
    forgetBefore: (at: number) => {
      forgetEvents.run(at);
      forgetGone.run(at);
    },
  };
});
