import type { Db } from '#daemon/platform/db/open.ts';
import { shiftInstants } from '#daemon/platform/db/shift-instants.ts';

export interface LinkRow {
  id: number;
  token_hash: string;
  kind: 'login' | 'invite' | 'setup' | 'email' | 'email-undo';
  email: string | null;
  user_id: string | null;
  tenant_id: string | null;
  mailed: 0 | 1;
  /** Made by an operator, who answers for the address. */
  vouched: 0 | 1;
  /** Of an email-undo link: what the account got from then on ends with the undo; null = `created_at`. */
  suspect_from: string | null;
  created_at: string;
  expires_at: string;
  used_at: string | null;
}

/** SQL of the table `links`. */
export function linkRepository(db: Db) {
  const insert = db.prepare<[Omit<LinkRow, 'id' | 'used_at'>]>(
    `INSERT INTO links (token_hash, kind, email, user_id, tenant_id, mailed, vouched, suspect_from, created_at, expires_at)
     VALUES (@token_hash, @kind, @email, @user_id, @tenant_id, @mailed, @vouched, @suspect_from, @created_at, @expires_at)`,
  );
  const byHash = db.prepare<[string], LinkRow>('SELECT * FROM links WHERE token_hash = ?');
  const use = db.prepare<[string, number]>('UPDATE links SET used_at = ? WHERE id = ? AND used_at IS NULL');
  const mailed = db.prepare<[number]>('UPDATE links SET mailed = 1 WHERE id = ?');
  const drop = db.prepare<[{ kind: string; user_id: string | null; tenant_id: string | null }]>(
    `DELETE FROM links WHERE kind = @kind AND (@user_id IS NULL OR user_id = @user_id) AND (@tenant_id IS NULL OR tenant_id = @tenant_id)`,
  );
  const openInvite = db.prepare<[string, string, string], LinkRow>(
    `SELECT * FROM links WHERE kind = 'invite' AND user_id = ? AND tenant_id = ? AND used_at IS NULL AND expires_at > ?
     ORDER BY id DESC LIMIT 1`,
  );
  const moveInvites = db.prepare<[string, string]>(
    "UPDATE links SET user_id = ? WHERE user_id = ? AND kind = 'invite'",
  );
  const dropLater = db.prepare<[string, string, number]>('DELETE FROM links WHERE kind = ? AND user_id = ? AND id > ?');
  const purge = db.prepare<[string]>('DELETE FROM links WHERE expires_at < ?');
  return {
    insert: (row: Omit<LinkRow, 'id' | 'used_at'>) => Number(insert.run(row).lastInsertRowid),
    byHash: (hash: string) => byHash.get(hash),
    /** True for the one caller who is first. */
    use: (id: number, at: string) => use.run(at, id).changes === 1,
    markMailed: (id: number) => mailed.run(id),
    drop: (kind: LinkRow['kind'], userId: string | null = null, tenantId: string | null = null) =>
      drop.run({ kind, user_id: userId, tenant_id: tenantId }),
    openInvite: (userId: string, tenantId: string, now: string) => openInvite.get(userId, tenantId, now),
    moveInvites: (from: string, to: string) => moveInvites.run(to, from),
    dropLater: (kind: LinkRow['kind'], userId: string, id: number) => dropLater.run(kind, userId, id),
    purge: (before: string) => purge.run(before),
    /** After a jump of the clock. */
    shift: (ms: number) => shiftInstants(db, 'links', ['created_at', 'expires_at'], ms),
  };
}
export type LinkRepository = ReturnType<typeof linkRepository>;
