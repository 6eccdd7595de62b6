export const sql = `
ALTER TABLE api_tokens ADD COLUMN expires_at TEXT;
-- 'read', or a JSON list of permissions; NULL = all of the scope
ALTER TABLE api_tokens ADD COLUMN limited_to TEXT;
ALTER TABLE api_tokens ADD COLUMN last_used_ip TEXT;
`;
