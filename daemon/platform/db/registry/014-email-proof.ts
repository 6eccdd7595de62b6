/** `links` is made again because its list of kinds grows, which SQLite can't change in place. */
export const sql = `
ALTER TABLE users ADD COLUMN pending_email TEXT COLLATE NOCASE;
-- superadmins got their address from the operator, by the set-up link or by hand
UPDATE users SET email_verified_at = created_at WHERE is_superadmin = 1 AND email IS NOT NULL AND email_verified_at IS NULL;

CREATE TABLE links_next (
  id INTEGER PRIMARY KEY,
  token_hash TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL CHECK (kind IN ('login', 'invite', 'setup', 'email')),
  email TEXT COLLATE NOCASE,
  user_id TEXT REFERENCES users(id) ON DELETE CASCADE,
  tenant_id TEXT REFERENCES tenants(id) ON DELETE CASCADE,
  mailed INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  used_at TEXT
) STRICT;
INSERT INTO links_next SELECT * FROM links;
DROP TABLE links;
ALTER TABLE links_next RENAME TO links;
CREATE INDEX links_user ON links (user_id, kind);

-- the newest sessions of a person, for the addresses that are known
DROP INDEX sessions_user;
CREATE INDEX sessions_user ON sessions (user_id, created_at);
`;
