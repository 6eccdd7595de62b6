// ingress_sessions: encoders and sources that are live, because LiveKit does not tell when another encoder takes over or when a
// live ingest is deleted. end_reason: why it is about to end. seen_at: when it was stored, milliseconds since 1970.
// ingress_closed: RTMP ingests that were paused because the app refuses RTMP.
export const sql = `
CREATE TABLE ingress_sessions (
  ingress_id TEXT PRIMARY KEY,
  resource_id TEXT NOT NULL,
  type TEXT NOT NULL,
  room TEXT NOT NULL,
  participant TEXT NOT NULL,
  is_transcoding INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  end_reason TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE ingress_closed (
  ingress_id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
`;
