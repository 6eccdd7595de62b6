// vods_sums holds what usage and sizes add up, so that they never read the rows themselves
export const sql = `
CREATE INDEX vods_name ON vods (name);
CREATE INDEX vods_stream ON vods (stream_id);
CREATE INDEX vods_sums ON vods (started_at, status, duration_s, size_bytes);
CREATE INDEX streams_room_started ON streams (room, started_at DESC);
CREATE INDEX callback_outbox_event ON callback_outbox (event, seq);
`;
