// note: what is special about a recording although it is ready.
// Repairs figures that LiveKit reported and that can't be: earlier versions stored them as they came. The limits are those
// of media/livekit/facts.ts. A length that can't be is the time from begin to end, if that is known.
export const sql = `
ALTER TABLE vods ADD COLUMN note TEXT;
UPDATE vods SET duration_s = CASE
    WHEN ended_at IS NOT NULL AND julianday(ended_at) - julianday(started_at) BETWEEN 0 AND 31
    THEN round((julianday(ended_at) - julianday(started_at)) * 86400, 3) END
  WHERE duration_s < 0 OR duration_s > 2678400;
UPDATE vods SET size_bytes = NULL WHERE size_bytes < 0 OR size_bytes > 50000000000000;
UPDATE vod_variants SET size_bytes = NULL WHERE size_bytes < 0 OR size_bytes > 50000000000000;
UPDATE vods SET status = 'failed', error = 'the file that LiveKit wrote is empty'
  WHERE status = 'ready' AND size_bytes = 0 AND format IS NOT 'hls';
UPDATE vods SET storage_provider = 'elsewhere', s3_url = local_path, local_path = NULL
  WHERE local_path LIKE 'http://%' OR local_path LIKE 'https://%' OR local_path LIKE 's3://%';
`;
