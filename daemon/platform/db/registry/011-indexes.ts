export const sql = `
CREATE INDEX jobs_app_name ON jobs (app, id DESC);
CREATE INDEX jobs_kind ON jobs (kind, id DESC);
CREATE INDEX jobs_finished ON jobs (finished_at);
CREATE INDEX links_tenant ON links (tenant_id);
CREATE INDEX audit_target ON audit (target, ts);
CREATE INDEX audit_outcome ON audit (outcome, ts);
`;
