// Messages once more, folded and strung together by app and level, so that a search reads long texts instead of many rows.
// A batch covers a range of ids; what no batch covers is searched row by row.
export const sql = `
CREATE TABLE log_batches (
  id INTEGER PRIMARY KEY,
  from_id INTEGER NOT NULL,
  to_id INTEGER NOT NULL
) STRICT;
CREATE TABLE log_text (
  id INTEGER PRIMARY KEY,
  batch INTEGER NOT NULL,
  app_id INTEGER,
  level INTEGER NOT NULL,
  min_ts INTEGER NOT NULL,
  max_ts INTEGER NOT NULL,
  text BLOB NOT NULL,
  ids BLOB NOT NULL,
  times BLOB NOT NULL
) STRICT;
CREATE INDEX log_text_partition ON log_text (app_id, level, min_ts, max_ts);
CREATE INDEX log_text_batch ON log_text (batch);
`;
