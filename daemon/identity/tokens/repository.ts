import type { Db } from '#daemon/platform/db/open.ts';

export interface TokenRow {
  id: number;
  name: string;
  token_hash: string;
  scope: 'global' | 'app';
  app_id: number | null;
  tenant_id: string;
  allowed_ips_json: string;
  expires_at: string | null;
  /** `read`, or a JSON list of permissions; null = all of the scope. */
  limited_to: string | null;
  last_used_at: string | null;
  last_used_ip: string | null;
  created_at: string;
  /** Account or API token that made it; null = made before this was kept. */
  created_by: string | null;
  revoked: 0 | 1;
}

type NewToken = Omit<TokenRow, 'id' | 'last_used_at' | 'last_used_ip' | 'revoked'>;

/** SQL of the table `api_tokens`. */
export function tokenRepository(db: Db) {
  const all = db.prepare<[], TokenRow>('SELECT * FROM api_tokens ORDER BY id DESC');
  const live = db.prepare<[], TokenRow>('SELECT * FROM api_tokens WHERE revoked = 0');
  const byId = db.prepare<[number], TokenRow>('SELECT * FROM api_tokens WHERE id = ?');
  const insert = db.prepare<[NewToken]>(
    `INSERT INTO api_tokens (name, token_hash, scope, app_id, tenant_id, allowed_ips_json, expires_at, limited_to, created_at, created_by)
     VALUES (@name, @token_hash, @scope, @app_id, @tenant_id, @allowed_ips_json, @expires_at, @limited_to, @created_at, @created_by)`,
  );
  const madeBy = db.prepare<[string, string], TokenRow>(
    'SELECT * FROM api_tokens WHERE created_by = ? AND created_at >= ? AND revoked = 0',
  );
  const revoke = db.prepare<[number]>('UPDATE api_tokens SET revoked = 1 WHERE id = ?');
  const touch = db.prepare<[string, string, number]>(
    'UPDATE api_tokens SET last_used_at = ?, last_used_ip = ? WHERE id = ?',
  );
  return {
    all: () => all.all(),
    live: () => live.all(),
    byId: (id: number) => byId.get(id),
    /** Those of one maker that are not revoked, made at that instant or later. */
    madeBy: (userId: string, since: string) => madeBy.all(userId, since),
    insert: (row: NewToken) => Number(insert.run(row).lastInsertRowid),
    revoke: (id: number) => revoke.run(id),
    touchAll: db.transaction((uses: Iterable<[id: number, ip: string]>, at: string) => {
      for (const [id, ip] of uses) touch.run(at, ip, id);
    }),
  };
}
export type TokenRepository = ReturnType<typeof tokenRepository>;
