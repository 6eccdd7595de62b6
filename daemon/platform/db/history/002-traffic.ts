// traffic_days: bytes that nodes sent and received on each day, added up from the minutes. day: whole days since 1970, in UTC.
export const sql = `
CREATE TABLE traffic_days (
  day INTEGER NOT NULL,
  subject TEXT NOT NULL,
  sent_bytes REAL NOT NULL,
  received_bytes REAL NOT NULL,
  PRIMARY KEY (day, subject)
) STRICT, WITHOUT ROWID;
`;
