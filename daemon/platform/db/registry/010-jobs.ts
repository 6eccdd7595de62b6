export const sql = `
CREATE TABLE jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  title TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled')),
  app TEXT,
  app_id INTEGER,
  tenant_id TEXT NOT NULL,
  input_json TEXT NOT NULL,
  checkpoint_json TEXT,
  progress_json TEXT,
  result_json TEXT,
  error_json TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  max_attempts INTEGER NOT NULL,
  restarts INTEGER NOT NULL DEFAULT 0,
  next_run_at TEXT,
  created_by_json TEXT NOT NULL,
  created_at TEXT NOT NULL,
  started_at TEXT,
  updated_at TEXT NOT NULL,
  finished_at TEXT
) STRICT;
CREATE INDEX jobs_state ON jobs (state, id DESC);
CREATE INDEX jobs_tenant ON jobs (tenant_id, id DESC);
CREATE INDEX jobs_app ON jobs (app_id, id DESC);
`;
