// room_sessions: each life of a room, named by LiveKit's room sid. Times are milliseconds since 1970.
// ended_from: LiveKit never told the end; it was between ended_from and ended_at. The same holds for the other `_from` columns.
// present, closed_ms and joined_sum add up the counted stays, so that participant time = closed_ms + present * end - joined_sum.
// is_settled: 0 = its peak is to be counted again from its stays.
// room_stays: each connection of a participant. is_counted: neither a recorder nor hidden nor an agent.
// room_events: what happened to recordings, live HLS and ingests; a `ref` has each kind once. It belongs to the session in
// which what it is about began (began_at).
// room_gaps: stretches in which LiveKit's events didn't arrive.
// session_watch: until when events were received, and LiveKit's lists compared.
export const sql = `
CREATE TABLE room_sessions (
  id INTEGER PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  room TEXT NOT NULL,
  node TEXT,
  started_at INTEGER NOT NULL,
  is_start_known INTEGER NOT NULL,
  ended_at INTEGER,
  ended_from INTEGER,
  stays INTEGER NOT NULL DEFAULT 0,
  participants INTEGER NOT NULL DEFAULT 0,
  publishers INTEGER NOT NULL DEFAULT 0,
  present INTEGER NOT NULL DEFAULT 0,
  closed_ms INTEGER NOT NULL DEFAULT 0,
  joined_sum INTEGER NOT NULL DEFAULT 0,
  peak INTEGER NOT NULL DEFAULT 0,
  errors INTEGER NOT NULL DEFAULT 0,
  is_settled INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX room_sessions_started ON room_sessions (started_at DESC, id DESC);
CREATE INDEX room_sessions_room ON room_sessions (room, started_at DESC, id DESC);
CREATE INDEX room_sessions_running ON room_sessions (started_at DESC, id DESC) WHERE ended_at IS NULL;
CREATE INDEX room_sessions_errors ON room_sessions (started_at DESC, id DESC) WHERE errors > 0;
CREATE INDEX room_sessions_unsettled ON room_sessions (id) WHERE is_settled = 0;
CREATE INDEX room_sessions_ended ON room_sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE room_stays (
  id INTEGER PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  session_id INTEGER NOT NULL REFERENCES room_sessions(id) ON DELETE CASCADE,
  identity TEXT,
  name TEXT,
  kind INTEGER,
  is_hidden INTEGER NOT NULL,
  is_counted INTEGER NOT NULL,
  has_published INTEGER NOT NULL,
  joined_at INTEGER NOT NULL,
  joined_from INTEGER,
  left_at INTEGER,
  left_from INTEGER,
  reason INTEGER NOT NULL,
  client TEXT,
  region TEXT
) STRICT;
CREATE INDEX room_stays_session ON room_stays (session_id, joined_at, id);
CREATE INDEX room_stays_identity ON room_stays (identity, session_id DESC) WHERE identity IS NOT NULL;
CREATE INDEX room_stays_open ON room_stays (session_id) WHERE left_at IS NULL;

CREATE TABLE room_tracks (
  id INTEGER PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  stay_id INTEGER NOT NULL REFERENCES room_stays(id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  source TEXT NOT NULL,
  codec TEXT NOT NULL,
  width INTEGER,
  height INTEGER,
  published_at INTEGER NOT NULL,
  published_from INTEGER,
  ended_at INTEGER,
  ended_from INTEGER
) STRICT;
CREATE INDEX room_tracks_stay ON room_tracks (stay_id);

CREATE TABLE room_ingests (
  id INTEGER PRIMARY KEY,
  resource_id TEXT NOT NULL UNIQUE,
  ingress_id TEXT NOT NULL,
  type TEXT NOT NULL,
  room TEXT NOT NULL,
  identity TEXT,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  reason TEXT,
  error TEXT
) STRICT;
CREATE INDEX room_ingests_room ON room_ingests (room, started_at);
CREATE INDEX room_ingests_started ON room_ingests (started_at);

CREATE TABLE room_events (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  ref TEXT NOT NULL,
  room TEXT NOT NULL,
  began_at INTEGER NOT NULL,
  at INTEGER NOT NULL,
  text TEXT,
  is_error INTEGER NOT NULL,
  UNIQUE (ref, kind)
) STRICT;
CREATE INDEX room_events_room ON room_events (room, began_at);
CREATE INDEX room_events_began ON room_events (began_at);

CREATE TABLE room_gaps (
  id INTEGER PRIMARY KEY,
  session_id INTEGER NOT NULL REFERENCES room_sessions(id) ON DELETE CASCADE,
  from_at INTEGER NOT NULL,
  to_at INTEGER NOT NULL,
  cause TEXT NOT NULL
) STRICT;
CREATE INDEX room_gaps_session ON room_gaps (session_id);

CREATE TABLE session_watch (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  heard_at INTEGER NOT NULL,
  listed_at INTEGER NOT NULL
) STRICT;
`;
