export const sql = `
CREATE TABLE plugin_states (
  id TEXT PRIMARY KEY,
  enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
  quarantined_at TEXT,
  quarantine_reason TEXT,
  changed_at TEXT NOT NULL
) STRICT;
`;
