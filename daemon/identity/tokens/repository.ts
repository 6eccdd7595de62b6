import type { Db } from '#daemon/platform/db/open.ts';

export interface TokenRow {
  id: number;
  name: string;
  token_hash: string;
  scope: 'global' | 'app';
  app_id: number | null;
  tenant_id: string;
  allowed_ips_json: string;
  last_used_at: string | null;
  created_at: string;
  revoked: 0 | 1;
}

/** SQL of the table `api_tokens`. */
export function tokenRepository(db: Db) {
  const all = db.prepare<[], TokenRow>('SELECT * FROM api_tokens ORDER BY id DESC');
  const live = db.prepare<[], TokenRow>('SELECT * FROM api_tokens WHERE revoked = 0');
  const byId = db.prepare<[number], TokenRow>('SELECT * FROM api_tokens WHERE id = ?');
  const insert = db.prepare<[Omit<TokenRow, 'id' | 'last_used_at' | 'revoked'>]>(
    `INSERT INTO api_tokens (name, token_hash, scope, app_id, tenant_id, allowed_ips_json, created_at)
     VALUES (@name, @token_hash, @scope, @app_id, @tenant_id, @allowed_ips_json, @created_at)`,
  );
  const revoke = db.prepare<[number]>('UPDATE api_tokens SET revoked = 1 WHERE id = ?');
  const touch = db.prepare<[string, number]>('UPDATE api_tokens SET last_used_at = ? WHERE id = ?');
  return {
    all: () => all.all(),
    live: () => live.all(),
    byId: (id: number) => byId.get(id),
    insert: (row: Omit<TokenRow, 'id' | 'last_used_at' | 'revoked'>) => Number(insert.run(row).lastInsertRowid),
    revoke: (id: number) => revoke.run(id),
    touchAll: db.transaction((uses: Iterable<[number, string]>) => {
      for (const [id, at] of uses) touch.run(at, id);
    }),
  };
}
export type TokenRepository = ReturnType<typeof tokenRepository>;
