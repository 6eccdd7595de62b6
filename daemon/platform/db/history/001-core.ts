// One row a minute and subject: `server`, or the id of a node. A measure that could not be told is null.
export const sql = `
CREATE TABLE samples (
  subject TEXT NOT NULL,
  minute INTEGER NOT NULL,
  cpu REAL,
  memory REAL,
  disk REAL,
  streams REAL,
  rooms REAL,
  participants REAL,
  tx REAL,
  rx REAL,
  PRIMARY KEY (subject, minute)
) STRICT, WITHOUT ROWID;
CREATE INDEX samples_minute ON samples (minute);
`;
