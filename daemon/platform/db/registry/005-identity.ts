export const sql = `
CREATE TABLE users (
  id TEXT PRIMARY KEY,
  email TEXT UNIQUE COLLATE NOCASE,
  email_verified_at TEXT,
  name TEXT,
  is_superadmin INTEGER NOT NULL DEFAULT 0,
  status TEXT NOT NULL CHECK (status IN ('active', 'pending')),
  password_hash TEXT,
  totp_enabled INTEGER NOT NULL DEFAULT 0,
  totp_secret TEXT,
  totp_pending_secret TEXT,
  totp_last_step INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL
) STRICT;

CREATE TABLE recovery_codes (
  user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  code_hash TEXT NOT NULL,
  PRIMARY KEY (user_id, code_hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE memberships (
  user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  tenant_id TEXT NOT NULL REFERENCES tenants(id) ON DELETE CASCADE,
  role TEXT NOT NULL CHECK (role IN ('owner', 'editor', 'viewer')),
  status TEXT NOT NULL CHECK (status IN ('active', 'invited')),
  created_at TEXT NOT NULL,
  PRIMARY KEY (user_id, tenant_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_tenant ON memberships (tenant_id, created_at);

CREATE TABLE quotas (
  tenant_id TEXT PRIMARY KEY REFERENCES tenants(id) ON DELETE CASCADE,
  max_apps INTEGER,
  max_concurrent_streams INTEGER,
  max_recording_minutes_month INTEGER,
  max_egress_gb_month INTEGER,
  max_storage_gb INTEGER
) STRICT;

CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  ip TEXT,
  user_agent TEXT,
  created_at TEXT NOT NULL,
  last_seen TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  revoked_at TEXT
) STRICT;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- links that sign in: by mail or by hand, the set-up link included
CREATE TABLE links (
  id INTEGER PRIMARY KEY,
  token_hash TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL CHECK (kind IN ('login', 'invite', 'setup')),
  email TEXT COLLATE NOCASE,
  user_id TEXT REFERENCES users(id) ON DELETE CASCADE,
  tenant_id TEXT REFERENCES tenants(id) ON DELETE CASCADE,
  mailed INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  used_at TEXT
) STRICT;
CREATE INDEX links_user ON links (user_id, kind);

CREATE TABLE ip_rules (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  cidr TEXT NOT NULL UNIQUE,
  action TEXT NOT NULL CHECK (action IN ('allow', 'block')),
  note TEXT,
  created_at TEXT NOT NULL,
  created_by TEXT NOT NULL,
  expires_at TEXT
) STRICT;

CREATE TABLE ip_bans (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  ip TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL CHECK (kind IN ('auto', 'manual')),
  reason TEXT,
  offenses INTEGER NOT NULL DEFAULT 1,
  banned_at TEXT NOT NULL,
  expires_at TEXT NOT NULL
) STRICT;

CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  ts TEXT NOT NULL,
  action TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('done', 'refused', 'failed')),
  status INTEGER,
  actor_kind TEXT NOT NULL CHECK (actor_kind IN ('user', 'token', 'node', 'anonymous', 'system')),
  actor_id TEXT NOT NULL,
  actor_label TEXT,
  actor_is_global INTEGER NOT NULL DEFAULT 0,
  tenant_id TEXT,
  app TEXT,
  target TEXT,
  before_json TEXT,
  after_json TEXT,
  ip TEXT,
  request_id TEXT
) STRICT;
CREATE INDEX audit_ts ON audit (ts);
CREATE INDEX audit_tenant ON audit (tenant_id, ts);
CREATE INDEX audit_actor ON audit (actor_id, ts);
CREATE INDEX audit_action ON audit (action, ts);
CREATE INDEX audit_app ON audit (app, ts);
`;
