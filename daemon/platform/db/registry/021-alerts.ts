export const sql = `
-- rules that were added, and what was changed of built-in ones; their id is that of the condition
CREATE TABLE alert_rules (
  id TEXT PRIMARY KEY,
  condition TEXT NOT NULL,
  fields_json TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE alert_channels (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  fields_json TEXT NOT NULL,
  address TEXT NOT NULL DEFAULT '',
  failing_since TEXT,
  last_error TEXT,
  last_sent_at TEXT,
  -- changes that wait for a summary
  held INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO alert_channels (kind, fields_json) VALUES
  ('desktop', '{"name":"Desktop notifications","enabled":true,"minSeverity":"warning","maxPerHour":30,"to":[]}');

CREATE TABLE incidents (
  id INTEGER PRIMARY KEY,
  rule_id TEXT NOT NULL,
  condition TEXT NOT NULL,
  subject TEXT NOT NULL,
  name TEXT NOT NULL,
  app TEXT,
  app_id INTEGER,
  tenant_id TEXT,
  severity TEXT NOT NULL,
  text TEXT NOT NULL,
  -- what every team may read; NULL = only those whom it is about
  team_text TEXT,
  opened_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  closed_at TEXT,
  recovering_since TEXT,
  reopened INTEGER NOT NULL DEFAULT 0,
  acknowledged_at TEXT,
  acknowledged_by TEXT,
  cause_id INTEGER,
  -- of something that happens rather than lasts: milliseconds since 1970 until it is over
  kept_until INTEGER,
  -- the severity that was told, 'closed' when its end was told; NULL = nothing was told
  told TEXT,
  -- incidents that were told in one message
  told_group INTEGER
) STRICT;
CREATE INDEX incidents_open ON incidents (id) WHERE closed_at IS NULL;
CREATE INDEX incidents_opened ON incidents (opened_at);
CREATE INDEX incidents_app ON incidents (app, id);
CREATE INDEX incidents_app_id ON incidents (app_id, id);
CREATE INDEX incidents_tenant ON incidents (tenant_id, id);
CREATE INDEX incidents_closed ON incidents (closed_at);

CREATE TABLE alert_silences (
  rule_id TEXT NOT NULL,
  subject TEXT NOT NULL,
  until TEXT NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (rule_id, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE alert_messages (
  id TEXT PRIMARY KEY,
  channel_id INTEGER NOT NULL,
  notice_json TEXT NOT NULL,
  created_at TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  -- milliseconds since 1970; NULL = sent, or given up
  next_at INTEGER,
  sent_at TEXT,
  error TEXT
) STRICT;
CREATE INDEX alert_messages_next ON alert_messages (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX alert_messages_created ON alert_messages (created_at);
CREATE INDEX alert_messages_channel ON alert_messages (channel_id);
`;
