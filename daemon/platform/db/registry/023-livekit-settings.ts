export const sql = `
-- what operators set of LiveKit's own configuration, one row for each change
CREATE TABLE livekit_settings (
  revision INTEGER PRIMARY KEY,
  text TEXT NOT NULL,
  changed_at TEXT NOT NULL,
  changed_by TEXT NOT NULL
) STRICT;
`;
