import type { Db } from '#daemon/platform/db/open.ts';

/** `session` and `kept` end some time after their last use; `fixed` ends when the session did that it replaced. */
export type CookieKind = 'session' | 'kept' | 'fixed';

export interface SessionRow {
  id: string;
  /** A person; null when the holder of an API token signed in. */
  user_id: string | null;
  token_id: number | null;
  /** Of a browser's session only. */
  cookie_hash: string | null;
  cookie_kind: CookieKind | null;
  ip: string | null;
  user_agent: string | null;
  created_at: string;
  last_seen: string;
  expires_at: string;
}

/** SQL of the table `sessions`. */
export function sessionRepository(db: Db) {
  const live = db.prepare<[string], SessionRow>('SELECT * FROM sessions WHERE revoked_at IS NULL AND expires_at > ?');
  const insert = db.prepare<[SessionRow]>(
    `INSERT INTO sessions (id, user_id, token_id, cookie_hash, cookie_kind, ip, user_agent, created_at, last_seen, expires_at)
     VALUES (@id, @user_id, @token_id, @cookie_hash, @cookie_kind, @ip, @user_agent, @created_at, @last_seen, @expires_at)`,
  );
  const addresses = db
    .prepare<[string], string>(
      'SELECT ip FROM sessions WHERE user_id = ? AND ip IS NOT NULL ORDER BY created_at DESC LIMIT 50',
    )
    .pluck();
  const revoke = db.prepare<[string, string]>('UPDATE sessions SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL');
  const revokeUser = db.prepare<[string, string]>(
    'UPDATE sessions SET revoked_at = ? WHERE user_id = ? AND revoked_at IS NULL',
  );
  const remove = db.prepare<[string]>('DELETE FROM sessions WHERE id = ?');
  const touch = db.prepare<[string, string, string]>('UPDATE sessions SET last_seen = ?, expires_at = ? WHERE id = ?');
  const purge = db.prepare<[string]>('DELETE FROM sessions WHERE expires_at < ?');
  return {
    live: (now: string) => live.all(now),
    insert: (row: SessionRow) => insert.run(row),
    revokeAll: db.transaction((ids: Iterable<string>, at: string) => {
      for (const id of ids) revoke.run(at, id);
    }),
    remove: (id: string) => remove.run(id),
    revokeUser: (userId: string, at: string) => revokeUser.run(at, userId),
    touchAll: db.transaction((uses: Iterable<Pick<SessionRow, 'id' | 'last_seen' | 'expires_at'>>) => {
      for (const { id, last_seen, expires_at } of uses) touch.run(last_seen, expires_at, id);
    }),
    /** Addresses that the account signed in from, newest first; rows are kept for 30 days after they expire. */
    addresses: (userId: string) => addresses.all(userId),
    purge: (before: string) => purge.run(before),
  };
}
export type SessionRepository = ReturnType<typeof sessionRepository>;
