export const sql = `
CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  topic TEXT NOT NULL,
  app TEXT,
  app_id INTEGER,
  tenant TEXT,
  type TEXT NOT NULL,
  body TEXT NOT NULL
) STRICT;

CREATE TABLE event_marks (
  key TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT;
`;
