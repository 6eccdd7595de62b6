/**
 * What belongs to the installation has no team. Before, the Platform team had it. `jobs` is made again because SQLite can't
 * make a column nullable in place.
 */
export const sql = `
CREATE TABLE jobs_next (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  title TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled')),
  app TEXT,
  app_id INTEGER,
  -- NULL = it is the installation's
  tenant_id TEXT,
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
INSERT INTO jobs_next SELECT * FROM jobs;
UPDATE jobs_next SET tenant_id = NULL WHERE app IS NULL;
-- ids are never used twice, also those of jobs that were deleted
DELETE FROM sqlite_sequence WHERE name = 'jobs_next';
INSERT INTO sqlite_sequence (name, seq) SELECT 'jobs_next', seq FROM sqlite_sequence WHERE name = 'jobs';
DROP TABLE jobs;
ALTER TABLE jobs_next RENAME TO jobs;
CREATE INDEX jobs_state ON jobs (state, id DESC);
CREATE INDEX jobs_tenant ON jobs (tenant_id, id DESC);
CREATE INDEX jobs_app ON jobs (app_id, id DESC);
CREATE INDEX jobs_app_name ON jobs (app, id DESC);
CREATE INDEX jobs_kind ON jobs (kind, id DESC);
CREATE INDEX jobs_finished ON jobs (finished_at);

UPDATE incidents SET tenant_id = NULL WHERE condition = 'job-failed' AND app IS NULL;

UPDATE audit SET tenant_id = NULL WHERE tenant_id = 'platform' AND app IS NULL AND (
  action IN ('admin.reset-password', 'cluster.settings', 'connection.test', 'cancelJob', 'retryJob', 'room-prefix.free',
    'system.check', 'token.create', 'token.revoke', 'user.delete', 'user.revoke-sessions', 'user.sign-in-link', 'user.update')
  OR substr(action, 1, instr(action, '.')) IN ('alert-channel.', 'alert-rule.', 'backup.', 'backup-plan.', 'backup-storage.',
    'configuration.', 'ip-ban.', 'ip-rule.', 'join-code.', 'livekit.', 'node.', 'plugin.', 'settings.')
);
`;
