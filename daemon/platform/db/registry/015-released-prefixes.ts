/** No reference to `tenants`: a prefix is also held for a team that is gone, because its join tokens can still be valid. */
export const sql = `
CREATE TABLE released_prefixes (
  prefix TEXT NOT NULL,
  tenant_id TEXT NOT NULL,
  app TEXT NOT NULL,
  released_at TEXT NOT NULL,
  held_until TEXT NOT NULL,
  PRIMARY KEY (prefix, tenant_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX released_prefixes_team ON released_prefixes (tenant_id, released_at);
CREATE INDEX released_prefixes_until ON released_prefixes (held_until);
`;
