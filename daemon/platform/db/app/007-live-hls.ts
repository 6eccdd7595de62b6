// live_hls: one run of live HLS of a stream, from its order to its end; its objects are removed after it has ended.
// plan_json: what was asked for. folder: key in the bucket, or path below the app's folder; never used twice.
// live_hls_encoders: one order to LiveKit's egress service, for one quality. A lost one is followed by the next attempt.
export const sql = `
CREATE TABLE live_hls (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  stream_id TEXT NOT NULL,
  room TEXT NOT NULL,
  identity TEXT NOT NULL,
  folder TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL DEFAULT 'starting' CHECK (state IN ('starting', 'live', 'ended', 'failed')),
  is_automatic INTEGER NOT NULL,
  is_stopped INTEGER NOT NULL DEFAULT 0,
  plan_json TEXT NOT NULL,
  started_at TEXT NOT NULL,
  live_at TEXT,
  ended_at TEXT,
  error TEXT,
  storage_provider TEXT,
  storage_bucket TEXT,
  storage_region TEXT,
  storage_endpoint TEXT,
  storage_force_path_style INTEGER,
  is_closed INTEGER NOT NULL DEFAULT 0,
  is_removed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX live_hls_stream ON live_hls (stream_id, id DESC);
CREATE INDEX live_hls_left ON live_hls (id) WHERE is_removed = 0;
CREATE TABLE live_hls_encoders (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hls_id INTEGER NOT NULL REFERENCES live_hls(id) ON DELETE CASCADE,
  rung INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  egress_id TEXT UNIQUE,
  state TEXT NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'starting', 'running', 'ended', 'failed')),
  error TEXT,
  asked_at INTEGER NOT NULL,
  expires_at INTEGER,
  removed_to INTEGER NOT NULL DEFAULT 0,
  UNIQUE (hls_id, rung, attempt)
) STRICT;
`;
