// storage_options: the provider's own settings of the place, e.g. a tenant, as JSON; null for rows from before.
export const sql = `
ALTER TABLE vods ADD COLUMN storage_options TEXT;
ALTER TABLE live_hls ADD COLUMN storage_options TEXT;
ALTER TABLE vod_moves ADD COLUMN storage_options TEXT;
`;
