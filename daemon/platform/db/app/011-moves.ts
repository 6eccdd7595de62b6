// vod_moves: recordings of the app's folder that go to a storage which LiveKit can't write to. `place` and `keys_json` name
// objects beside those of the VOD's own rows: what is uploaded while it moves, what is left in the folder afterwards.
export const sql = `
CREATE TABLE vod_moves (
  vod_id INTEGER PRIMARY KEY REFERENCES vods(id) ON DELETE CASCADE,
  state TEXT NOT NULL CHECK (state IN ('ordered', 'moving', 'moved', 'kept')),
  local_dir TEXT NOT NULL,
  removes_local INTEGER NOT NULL,
  keys_json TEXT NOT NULL DEFAULT '[]',
  storage_provider TEXT,
  storage_bucket TEXT,
  storage_region TEXT,
  storage_endpoint TEXT,
  storage_force_path_style INTEGER
) STRICT;
`;
