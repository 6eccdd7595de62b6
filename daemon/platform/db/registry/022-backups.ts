// backups: `destination` is an app whose storage has the file, or empty for the folder `backups`; place_json is that storage as
// recorded at the time, object_key the key in it. summary_json: what the manifest says, without its list of files.
export const sql = `
CREATE TABLE backups (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL CHECK (state IN ('writing', 'ready', 'failed')),
  origin TEXT NOT NULL,
  destination TEXT NOT NULL,
  place_json TEXT,
  object_key TEXT,
  size_bytes INTEGER NOT NULL DEFAULT 0,
  files INTEGER NOT NULL DEFAULT 0,
  summary_json TEXT,
  error TEXT,
  job_id INTEGER,
  created_at TEXT NOT NULL,
  finished_at TEXT,
  verified_at TEXT,
  verify_error TEXT
) STRICT;
CREATE INDEX backups_state ON backups (state, id DESC);
`;
