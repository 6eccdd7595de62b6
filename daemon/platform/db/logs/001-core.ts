// The second index answers every search from its own pages, in the order that is asked for: filters, then time, then the text.
export const sql = `
CREATE TABLE server_logs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  ts INTEGER NOT NULL,
  level INTEGER NOT NULL,
  source TEXT NOT NULL,
  app_id INTEGER,
  message TEXT NOT NULL,
  meta_json TEXT
) STRICT;
CREATE INDEX server_logs_ts ON server_logs (ts);
CREATE INDEX server_logs_search ON server_logs (app_id, level, ts, id, source, message);
`;
