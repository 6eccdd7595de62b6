// mqtt_outbox: what waits for the app's broker; beside callback_outbox, because each receiver has its own numbers and position.
// mqtt_retained: topics that the broker keeps for the app, so that they can be cleared after a crash.
export const sql = `
CREATE TABLE mqtt_outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  event TEXT NOT NULL,
  room TEXT,
  data_json TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
  attempts INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  last_attempt_at TEXT,
  done_at TEXT,
  last_status INTEGER,
  last_error TEXT
) STRICT;
CREATE INDEX mqtt_outbox_state ON mqtt_outbox (state, seq);
CREATE INDEX mqtt_outbox_done ON mqtt_outbox (done_at);
CREATE INDEX mqtt_outbox_event ON mqtt_outbox (event, seq);

CREATE TABLE mqtt_retained (
  topic TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
`;
