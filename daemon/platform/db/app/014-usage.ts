// usage_days: what an app used on a day that is over, because sessions and recordings are deleted before the bill is paid.
// day: whole days since 1970, in UTC. stored_bytes: at the end of that day, null = the daemon did not run then.
export const sql = `
CREATE TABLE usage_days (
  day INTEGER PRIMARY KEY,
  sessions INTEGER NOT NULL,
  session_ms INTEGER NOT NULL,
  participant_ms INTEGER NOT NULL,
  recorded_s REAL NOT NULL,
  stored_bytes INTEGER
) STRICT;
`;
