export const sql = `
CREATE TABLE tenants (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  plan TEXT NOT NULL DEFAULT 'free',
  created_at TEXT NOT NULL
) STRICT;

CREATE TABLE apps (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  display_name TEXT NOT NULL,
  livekit_room_prefix TEXT NOT NULL UNIQUE,
  slug TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  settings_json TEXT,
  tenant_id TEXT NOT NULL DEFAULT 'platform' REFERENCES tenants(id),
  deleting INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX apps_tenant ON apps (tenant_id, name);

CREATE TABLE api_tokens (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  token_hash TEXT NOT NULL UNIQUE,
  scope TEXT NOT NULL CHECK (scope IN ('global', 'app')),
  app_id INTEGER REFERENCES apps(id) ON DELETE CASCADE,
  tenant_id TEXT NOT NULL,
  allowed_ips_json TEXT NOT NULL DEFAULT '[]',
  last_used_at TEXT,
  created_at TEXT NOT NULL,
  revoked INTEGER NOT NULL DEFAULT 0,
  CHECK ((scope = 'app') = (app_id IS NOT NULL))
) STRICT;
CREATE INDEX api_tokens_app ON api_tokens (app_id);

CREATE TABLE streamhub_meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT;

INSERT INTO tenants (id, name, plan, created_at) VALUES ('platform', 'Platform', 'platform', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
`;
