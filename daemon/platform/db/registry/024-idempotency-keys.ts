export const sql = `
-- answers to requests with an Idempotency-Key, for a day; id and request are keyed hashes, answer is encrypted
CREATE TABLE idempotency_keys (
  id BLOB PRIMARY KEY,
  caller TEXT NOT NULL,
  request BLOB NOT NULL,
  request_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  -- null while the request runs
  answer BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);
CREATE INDEX idempotency_keys_caller ON idempotency_keys (caller, created_at);
`;
