/** Values that operators set over the API. Of a hidden setting, `value` and `previous` are names in the file of secrets. */
export const sql = `
CREATE TABLE settings (
  name TEXT PRIMARY KEY,
  value TEXT,
  -- what an undo brings back; null = it was not set
  previous TEXT,
  revision INTEGER NOT NULL,
  changed_at TEXT NOT NULL,
  changed_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`;
