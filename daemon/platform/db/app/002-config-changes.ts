export const sql = `
CREATE TABLE config_changes (
  ts TEXT PRIMARY KEY,
  at TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  actor_label TEXT,
  reason TEXT NOT NULL,
  detail TEXT,
  changed_json TEXT NOT NULL
) STRICT;
`;
