// vod_transcodings: what becomes of a finished recording: nothing is decided yet (pending), or a job of the registry.
export const sql = `
CREATE TABLE vod_transcodings (
  vod_id INTEGER PRIMARY KEY REFERENCES vods(id) ON DELETE CASCADE,
  state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'queued', 'ready', 'failed', 'cancelled')),
  job_id INTEGER,
  problem TEXT
) STRICT;
CREATE INDEX vod_transcodings_open ON vod_transcodings (vod_id) WHERE state IN ('pending', 'queued');
`;
