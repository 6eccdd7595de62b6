export const sql = `
CREATE TABLE cluster_nodes (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  url TEXT NOT NULL,
  ip TEXT,
  region TEXT,
  status TEXT NOT NULL CHECK (status IN ('active', 'draining', 'disabled')),
  created_at TEXT NOT NULL,
  token_hash TEXT UNIQUE,
  token_used INTEGER NOT NULL DEFAULT 0,
  drain_json TEXT
) STRICT;

-- What heartbeats say, apart from what operators decide: written often, in batches.
CREATE TABLE cluster_heartbeats (
  node_id TEXT PRIMARY KEY REFERENCES cluster_nodes(id) ON DELETE CASCADE,
  last_seen_at TEXT NOT NULL,
  health TEXT NOT NULL,
  stats_json TEXT,
  agent_json TEXT
) STRICT, WITHOUT ROWID;

-- Credentials of removed nodes, so that such an agent is told so instead of being taken for a stranger.
CREATE TABLE cluster_removed (
  token_hash TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  removed_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`;
