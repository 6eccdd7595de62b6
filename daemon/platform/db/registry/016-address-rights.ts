/** `links` is made again because its list of kinds grows, which SQLite can't change in place. */
export const sql = `
-- address that an account had without proof, and signs in by, since another account got it
ALTER TABLE users ADD COLUMN former_email TEXT COLLATE NOCASE;
CREATE INDEX users_former_email ON users (former_email) WHERE former_email IS NOT NULL;

CREATE TABLE links_next (
  id INTEGER PRIMARY KEY,
  token_hash TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL CHECK (kind IN ('login', 'invite', 'setup', 'email', 'email-undo')),
  email TEXT COLLATE NOCASE,
  user_id TEXT REFERENCES users(id) ON DELETE CASCADE,
  tenant_id TEXT REFERENCES tenants(id) ON DELETE CASCADE,
  mailed INTEGER NOT NULL DEFAULT 0,
  -- made by an operator, who answers for the address
  vouched INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  used_at TEXT
) STRICT;
INSERT INTO links_next (id, token_hash, kind, email, user_id, tenant_id, mailed, created_at, expires_at, used_at)
  SELECT id, token_hash, kind, email, user_id, tenant_id, mailed, created_at, expires_at, used_at FROM links;
DROP TABLE links;
ALTER TABLE links_next RENAME TO links;
CREATE INDEX links_user ON links (user_id, kind);
CREATE INDEX links_tenant ON links (tenant_id);
`;
