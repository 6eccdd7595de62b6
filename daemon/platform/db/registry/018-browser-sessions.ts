/** `sessions` is made again because SQLite can't make a column optional in place. */
export const sql = `
CREATE TABLE sessions_next (
  id TEXT PRIMARY KEY,
  -- who signed in: a person, or the holder of an API token in the web console
  user_id TEXT REFERENCES users(id) ON DELETE CASCADE,
  token_id INTEGER REFERENCES api_tokens(id) ON DELETE CASCADE,
  -- a browser's session has a cookie; how it ends is its kind
  cookie_hash TEXT UNIQUE,
  cookie_kind TEXT CHECK (cookie_kind IN ('session', 'kept', 'fixed')),
  ip TEXT,
  user_agent TEXT,
  created_at TEXT NOT NULL,
  last_seen TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  revoked_at TEXT,
  CHECK ((user_id IS NULL) <> (token_id IS NULL)),
  CHECK ((cookie_hash IS NULL) = (cookie_kind IS NULL))
) STRICT;
INSERT INTO sessions_next (id, user_id, ip, user_agent, created_at, last_seen, expires_at, revoked_at)
  SELECT id, user_id, ip, user_agent, created_at, last_seen, expires_at, revoked_at FROM sessions;
DROP TABLE sessions;
ALTER TABLE sessions_next RENAME TO sessions;
CREATE INDEX sessions_user ON sessions (user_id, created_at);
CREATE INDEX sessions_token ON sessions (token_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);
`;
