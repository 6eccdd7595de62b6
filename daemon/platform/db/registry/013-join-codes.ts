export const sql = `
CREATE TABLE cluster_join_codes (
  id TEXT PRIMARY KEY,
  code_hash TEXT NOT NULL UNIQUE,
  name TEXT,
  uses INTEGER NOT NULL,
  used_json TEXT NOT NULL,
  created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  created_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE cluster_heartbeats ADD COLUMN instance TEXT;
`;
