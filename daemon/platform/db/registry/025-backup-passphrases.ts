export const sql = `
-- 1 = the stored passphrase isn't known to open it, so the monthly test can't read it
ALTER TABLE backups ADD COLUMN own_passphrase INTEGER NOT NULL DEFAULT 0;
`;
