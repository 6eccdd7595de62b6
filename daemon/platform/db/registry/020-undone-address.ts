export const sql = `
-- NULL = before this was kept
ALTER TABLE users ADD COLUMN totp_enabled_at TEXT;
-- account that made the token
ALTER TABLE api_tokens ADD COLUMN created_by TEXT;
-- of an email-undo link: what the account got from then on ends with the undo; NULL = created_at
ALTER TABLE links ADD COLUMN suspect_from TEXT;
`;
