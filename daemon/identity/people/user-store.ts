import type { Db } from '#daemon/platform/db/open.ts';
import type { Role } from '#shared/permissions.ts';

export interface UserRow {
  id: string;
  email: string | null;
  email_verified_at: string | null;
  /** New address that waits for its proof. */
  pending_email: string | null;
  /** Address that it had without proof, and signs in by, since another account got it. */
  former_email: string | null;
  name: string | null;
  is_superadmin: 0 | 1;
  status: 'active' | 'pending';
  password_hash: string | null;
  totp_enabled: 0 | 1;
  /** Null while it is off, and where it was on before this was kept. */
  totp_enabled_at: string | null;
  totp_secret: string | null;
  totp_pending_secret: string | null;
  totp_last_step: number;
  created_at: string;
}
export type NewUser = Pick<
  UserRow,
  'id' | 'email' | 'name' | 'is_superadmin' | 'status' | 'password_hash' | 'created_at'
>;
export type UserChange = Partial<Omit<UserRow, 'id' | 'created_at'>>;

export interface MembershipRow {
  user_id: string;
  tenant_id: string;
  role: Role;
  status: 'active' | 'invited';
  created_at: string;
}

/** SQL of the tables `users`, `recovery_codes` and `memberships`. */
export function userStore(db: Db) {
  const byId = db.prepare<[string], UserRow>('SELECT * FROM users WHERE id = ?');
  const byEmail = db.prepare<[string], UserRow>('SELECT * FROM users WHERE email = ?');
  const formerlyAt = db.prepare<[string], UserRow>(
    'SELECT * FROM users WHERE former_email = ? ORDER BY created_at LIMIT 5',
  );
  const insert = db.prepare<[NewUser]>(
    `INSERT INTO users (id, email, name, is_superadmin, status, password_hash, created_at)
     VALUES (@id, @email, @name, @is_superadmin, @status, @password_hash, @created_at)`,
  );
  const update = db.prepare<[UserRow]>(
    `UPDATE users SET email = @email, email_verified_at = @email_verified_at, pending_email = @pending_email,
       former_email = @former_email,
       name = @name, is_superadmin = @is_superadmin,
       status = @status, password_hash = @password_hash, totp_enabled = @totp_enabled,
       totp_enabled_at = @totp_enabled_at, totp_secret = @totp_secret,
       totp_pending_secret = @totp_pending_secret, totp_last_step = @totp_last_step WHERE id = @id`,
  );
  const remove = db.prepare<[string]>('DELETE FROM users WHERE id = ?');
  // a person who can sign in and administer everything, the break-glass admin aside
  const superadmins = db
    .prepare<[], number>(
      `SELECT count(*) FROM users WHERE is_superadmin = 1 AND status = 'active' AND password_hash IS NOT NULL AND id <> 'admin'`,
    )
    .pluck();
  const memberships = db.prepare<[string], MembershipRow>(
    `SELECT * FROM memberships WHERE user_id = ? ORDER BY created_at, tenant_id`,
  );
  const membership = db.prepare<[string, string], MembershipRow>(
    'SELECT * FROM memberships WHERE user_id = ? AND tenant_id = ?',
  );
  const join = db.prepare<[MembershipRow]>(
    `INSERT INTO memberships (user_id, tenant_id, role, status, created_at) VALUES (@user_id, @tenant_id, @role, @status, @created_at)
     ON CONFLICT DO UPDATE SET role = excluded.role, status = excluded.status`,
  );
  const leave = db.prepare<[string, string]>('DELETE FROM memberships WHERE user_id = ? AND tenant_id = ?');
  const addCode = db.prepare<[string, string]>('INSERT INTO recovery_codes (user_id, code_hash) VALUES (?, ?)');
  const useCode = db.prepare<[string, string]>('DELETE FROM recovery_codes WHERE user_id = ? AND code_hash = ?');
  const dropCodes = db.prepare<[string]>('DELETE FROM recovery_codes WHERE user_id = ?');
  const countCodes = db.prepare<[string], number>('SELECT count(*) FROM recovery_codes WHERE user_id = ?').pluck();
  // a step more than two ahead can only stem from a clock that was set back since; the codes of now were never used
  const advance = db.prepare<[{ id: string; step: number }]>(
    `UPDATE users SET totp_last_step = @step
     WHERE id = @id AND (totp_last_step < @step OR totp_last_step > @step + 2)`,
  );
  return {
    byId: (id: string) => byId.get(id),
    byEmail: (email: string) => byEmail.get(email),
    /** Accounts that lost this address to another one, the oldest first. */
    formerlyAt: (email: string) => formerlyAt.all(email),
    insert: (row: NewUser) => insert.run(row),
    update(id: string, change: UserChange): void {
      const row = byId.get(id);
      if (row !== undefined) update.run({ ...row, ...change, id });
    },
    remove: (id: string) => remove.run(id),
    superadmins: () => superadmins.get() ?? 0,
    memberships: (userId: string) => memberships.all(userId),
    membership: (userId: string, tenantId: string) => membership.get(userId, tenantId),
    join: (row: MembershipRow) => join.run(row),
    leave: (userId: string, tenantId: string) => leave.run(userId, tenantId),
    replaceCodes: db.transaction((userId: string, hashes: readonly string[]) => {
      dropCodes.run(userId);
      for (const hash of hashes) addCode.run(userId, hash);
    }),
    /** True when the code was there; it is not afterwards. */
    takeCode: (userId: string, hash: string) => useCode.run(userId, hash).changes === 1,
    countCodes: (userId: string) => countCodes.get(userId) ?? 0,
    /** True when this time step is newer than the last one used. */
    advanceTotp: (userId: string, step: number) => advance.run({ id: userId, step }).changes === 1,
    transaction: <T>(work: () => T): T => db.transaction(work).immediate(),
  };
}
export type UserStore = ReturnType<typeof userStore>;
