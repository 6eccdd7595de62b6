// Rows are keyed by their time, so one order serves searches, periods and retention. `log_index` finds rows by words and by
// tags (app, level, source). Rows of older versions are moved over in steps (LogRepository.moveOldRows).
export const sql = `
DROP TABLE log_text;
DROP TABLE log_batches;
DROP INDEX server_logs_search;
ALTER TABLE server_logs RENAME TO old_server_logs;

CREATE TABLE server_logs (
  id INTEGER PRIMARY KEY, -- microseconds since 1970; lines of the same millisecond follow each other
  level INTEGER NOT NULL,
  source TEXT NOT NULL,
  app_id INTEGER,
  message TEXT NOT NULL,
  meta_json TEXT
) STRICT;
CREATE VIRTUAL TABLE log_index USING fts5(
  message, fields, tags, content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 2"
);
CREATE VIRTUAL TABLE log_terms USING fts5vocab('log_index', 'col');
`;
