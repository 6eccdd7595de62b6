export const sql = `
CREATE TABLE streams (
  id INTEGER PRIMARY KEY,
  app_id INTEGER NOT NULL,
  stream_id TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  room TEXT NOT NULL,
  participant TEXT,
  status TEXT NOT NULL CHECK (status IN ('active', 'ended')),
  started_at TEXT NOT NULL,
  ended_at TEXT,
  last_stats_json TEXT
) STRICT;
CREATE INDEX streams_status ON streams (status, started_at DESC);
CREATE INDEX streams_started ON streams (started_at DESC);
CREATE INDEX streams_room ON streams (room, status);

CREATE TABLE vods (
  id INTEGER PRIMARY KEY,
  app_id INTEGER NOT NULL,
  stream_id TEXT,
  room TEXT NOT NULL,
  name TEXT NOT NULL,
  file_key TEXT,
  s3_url TEXT,
  public_url TEXT,
  size_bytes INTEGER,
  duration_s REAL,
  width INTEGER,
  height INTEGER,
  format TEXT,
  status TEXT NOT NULL CHECK (status IN ('recording', 'uploading', 'ready', 'failed')),
  local_path TEXT,
  started_at TEXT NOT NULL,
  ended_at TEXT,
  metatags_json TEXT,
  snapshot_key TEXT,
  egress_id TEXT UNIQUE,
  session_id TEXT,
  part INTEGER,
  error TEXT,
  storage_provider TEXT,
  storage_bucket TEXT,
  storage_region TEXT,
  storage_endpoint TEXT,
  storage_force_path_style INTEGER
) STRICT;
CREATE INDEX vods_status ON vods (status, started_at DESC);
CREATE INDEX vods_started ON vods (started_at DESC);
CREATE INDEX vods_room ON vods (room, started_at DESC);

CREATE TABLE vod_variants (
  id INTEGER PRIMARY KEY,
  vod_id INTEGER NOT NULL REFERENCES vods(id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('master', 'rendition', 'alternate')),
  format TEXT,
  height INTEGER,
  bitrate_kbps INTEGER,
  file_key TEXT,
  size_bytes INTEGER,
  extra_json TEXT,
  created_at TEXT NOT NULL
) STRICT;
CREATE INDEX vod_variants_vod ON vod_variants (vod_id);

CREATE TABLE ingress_auth (
  ingress_id TEXT PRIMARY KEY,
  app TEXT NOT NULL,
  room TEXT NOT NULL,
  stream_key TEXT,
  password_hash TEXT,
  password_salt TEXT,
  requires_password INTEGER NOT NULL DEFAULT 0,
  validated_at TEXT,
  created_at TEXT NOT NULL
) STRICT;
`;
