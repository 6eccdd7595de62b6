// livekit_gone: tracks, participants and rooms whose end is known, so that a late event cannot bring them back.
// callback_outbox: AUTOINCREMENT makes the sequence that receivers see: it grows by one and never starts again.
export const sql = `
ALTER TABLE streams ADD COLUMN participant_sid TEXT;
ALTER TABLE streams ADD COLUMN room_sid TEXT;
CREATE INDEX streams_participant ON streams (participant_sid);

CREATE TABLE stream_tracks (
  track_sid TEXT PRIMARY KEY,
  stream_row INTEGER NOT NULL REFERENCES streams(id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX stream_tracks_stream ON stream_tracks (stream_row);

CREATE TABLE livekit_events (
  id TEXT PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX livekit_events_at ON livekit_events (at);

CREATE TABLE livekit_gone (
  sid TEXT PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX livekit_gone_at ON livekit_gone (at);

ALTER TABLE vods ADD COLUMN identity TEXT;
ALTER TABLE vods ADD COLUMN is_automatic INTEGER NOT NULL DEFAULT 0;
ALTER TABLE vods ADD COLUMN snapshot_prefix TEXT;
ALTER TABLE vods ADD COLUMN snapshot_count INTEGER NOT NULL DEFAULT 0;

CREATE TABLE callback_outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  event TEXT NOT NULL,
  room TEXT,
  data_json TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
  attempts INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  last_attempt_at TEXT,
  done_at TEXT,
  last_status INTEGER,
  last_error TEXT
) STRICT;
CREATE INDEX callback_outbox_state ON callback_outbox (state, seq);
CREATE INDEX callback_outbox_done ON callback_outbox (done_at);
`;
