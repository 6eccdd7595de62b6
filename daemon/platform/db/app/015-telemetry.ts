// stay_samples: what clients measured, one row for each connection and 10 s (slot = seconds since 1970 / 10), as JSON.
// Ids grow, so the oldest rows have the smallest.
export const sql = `
CREATE TABLE stay_samples (
  id INTEGER PRIMARY KEY,
  stay_id INTEGER NOT NULL REFERENCES room_stays(id) ON DELETE CASCADE,
  slot INTEGER NOT NULL,
  figures TEXT NOT NULL,
  UNIQUE (stay_id, slot)
) STRICT;
`;
