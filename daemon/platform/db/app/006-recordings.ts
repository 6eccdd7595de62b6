// Ids of recordings are never used again (AUTOINCREMENT), and a recording can be starting or cancelled. A table with rows that
// refer to it cannot be replaced in place: its dependent table is copied first, because dropping `vods` empties that one.
// is_stopped: somebody asked for its end. is_audio_only: ordered without a picture. measured_at: when length and picture were
// read from the file itself; null = only LiveKit's word.
// Files of the app's folder are named relative to it: earlier versions kept paths of the machine for pictures.
export const sql = `
CREATE TABLE vods_new (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
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
  status TEXT NOT NULL CHECK (status IN ('starting', 'recording', 'uploading', 'ready', 'failed', 'cancelled')),
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
  storage_force_path_style INTEGER,
  identity TEXT,
  is_automatic INTEGER NOT NULL DEFAULT 0,
  snapshot_prefix TEXT,
  snapshot_count INTEGER NOT NULL DEFAULT 0,
  note TEXT,
  video_codec TEXT,
  audio_codec TEXT,
  frame_rate REAL,
  is_stopped INTEGER NOT NULL DEFAULT 0,
  is_audio_only INTEGER NOT NULL DEFAULT 0,
  measured_at TEXT
) STRICT;
INSERT INTO vods_new (id, app_id, stream_id, room, name, file_key, s3_url, public_url, size_bytes, duration_s, width, height,
    format, status, local_path, started_at, ended_at, metatags_json, snapshot_key, egress_id, session_id, part, error,
    storage_provider, storage_bucket, storage_region, storage_endpoint, storage_force_path_style,
    identity, is_automatic, snapshot_prefix, snapshot_count, note, measured_at)
  SELECT id, app_id, stream_id, room, name, file_key, s3_url, public_url, size_bytes, duration_s, width, height,
    format, status, local_path, started_at, ended_at, metatags_json, snapshot_key, egress_id, session_id, part, error,
    storage_provider, storage_bucket, storage_region, storage_endpoint, storage_force_path_style,
    identity, is_automatic, snapshot_prefix, snapshot_count, note, ended_at
  FROM vods;
CREATE TABLE vod_variants_new (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  vod_id INTEGER NOT NULL REFERENCES vods_new(id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('master', 'rendition', 'alternate')),
  format TEXT,
  height INTEGER,
  bitrate_kbps INTEGER,
  file_key TEXT,
  size_bytes INTEGER,
  extra_json TEXT,
  created_at TEXT NOT NULL
) STRICT;
INSERT INTO vod_variants_new SELECT id, vod_id, kind, format, height, bitrate_kbps, file_key, size_bytes, extra_json, created_at
  FROM vod_variants;
DROP TABLE vod_variants;
DROP TABLE vods;
ALTER TABLE vods_new RENAME TO vods;
ALTER TABLE vod_variants_new RENAME TO vod_variants;
CREATE INDEX vods_status ON vods (status, started_at DESC);
CREATE INDEX vods_started ON vods (started_at DESC);
CREATE INDEX vods_room ON vods (room, started_at DESC);
CREATE INDEX vods_name ON vods (name);
CREATE INDEX vods_stream ON vods (stream_id);
CREATE INDEX vods_sums ON vods (started_at, status, duration_s, size_bytes);
CREATE INDEX vod_variants_vod ON vod_variants (vod_id);
UPDATE vods SET snapshot_key = substr(snapshot_key, instr(snapshot_key, '/snapshots/') + 1)
  WHERE storage_provider = 'local' AND snapshot_key LIKE '/%/snapshots/%';
UPDATE vods SET snapshot_prefix = substr(snapshot_prefix, instr(snapshot_prefix, '/snapshots/') + 1)
  WHERE storage_provider = 'local' AND snapshot_prefix LIKE '/%/snapshots/%';
`;
