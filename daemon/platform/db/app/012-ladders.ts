// vods.ladder_bytes: of everything that was made of a recording; size_bytes is the recording itself.
// vods.is_untold: it is ready, but receivers get `recording_ready` only when its length is read from the file.
// vod_encoders: orders to LiveKit's egress service for the qualities of a ladder while the recording runs.
export const sql = `
ALTER TABLE vods ADD COLUMN ladder_bytes INTEGER;
ALTER TABLE vods ADD COLUMN is_untold INTEGER NOT NULL DEFAULT 0;
UPDATE vods SET ladder_bytes = made.bytes FROM (
  SELECT vod_id, sum(size_bytes) AS bytes FROM vod_variants
  WHERE CASE WHEN json_valid(extra_json) THEN extra_json ->> '$.ladder' END = 1 GROUP BY vod_id
) AS made WHERE made.vod_id = vods.id;
DROP INDEX vods_sums;
CREATE INDEX vods_sums ON vods (started_at, status, duration_s, size_bytes, ladder_bytes);
CREATE INDEX vods_untold ON vods (id) WHERE is_untold = 1;
CREATE TABLE vod_encoders (
  vod_id INTEGER NOT NULL REFERENCES vods(id) ON DELETE CASCADE,
  rung INTEGER NOT NULL,
  name TEXT NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  bitrate_kbps INTEGER NOT NULL,
  audio_kbps INTEGER NOT NULL,
  framerate REAL NOT NULL,
  playlist TEXT NOT NULL,
  egress_id TEXT UNIQUE,
  state TEXT NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'starting', 'running', 'ended', 'failed')),
  error TEXT,
  PRIMARY KEY (vod_id, rung)
) STRICT;
CREATE INDEX vod_encoders_waiting ON vod_encoders (playlist, vod_id) WHERE egress_id IS NULL;
`;
