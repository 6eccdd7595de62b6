import type { Db } from '#daemon/platform/db/open.ts';
import { shiftInstants } from '#daemon/platform/db/shift-instants.ts';

export interface RuleRow {
  id: number;
  cidr: string;
  action: 'allow' | 'block';
  note: string | null;
  created_at: string;
  created_by: string;
  expires_at: string | null;
}
export interface BanRow {
  id: number;
  ip: string;
  kind: 'auto' | 'manual';
  reason: string | null;
  offenses: number;
  banned_at: string;
  expires_at: string;
}

/** SQL of the tables `ip_rules` and `ip_bans`. */
export function securityRepository(db: Db) {
  const rules = db.prepare<[], RuleRow>('SELECT * FROM ip_rules ORDER BY id');
  const addRule = db.prepare<[Omit<RuleRow, 'id'>]>(
    `INSERT INTO ip_rules (cidr, action, note, created_at, created_by, expires_at)
     VALUES (@cidr, @action, @note, @created_at, @created_by, @expires_at)`,
  );
  const removeRule = db.prepare<[number]>('DELETE FROM ip_rules WHERE id = ?');
  const bans = db.prepare<[], BanRow>('SELECT * FROM ip_bans ORDER BY banned_at DESC, id DESC');
  const ban = db.prepare<[Omit<BanRow, 'id'>], BanRow>(
    `INSERT INTO ip_bans (ip, kind, reason, offenses, banned_at, expires_at)
     VALUES (@ip, @kind, @reason, @offenses, @banned_at, @expires_at)
     ON CONFLICT (ip) DO UPDATE SET kind = excluded.kind, reason = excluded.reason, offenses = excluded.offenses,
       banned_at = excluded.banned_at, expires_at = excluded.expires_at
     RETURNING *`,
  );
  const removeBan = db.prepare<[number]>('DELETE FROM ip_bans WHERE id = ?');
  const purgeBans = db.prepare<[string]>('DELETE FROM ip_bans WHERE expires_at < ?');
  const purgeRules = db.prepare<[string]>('DELETE FROM ip_rules WHERE expires_at < ?');
  return {
    rules: () => rules.all(),
    addRule: (row: Omit<RuleRow, 'id'>) => Number(addRule.run(row).lastInsertRowid),
    removeRule: (id: number) => removeRule.run(id),
    bans: () => bans.all(),
    ban: (row: Omit<BanRow, 'id'>) => ban.get(row) as BanRow,
    removeBan: (id: number) => removeBan.run(id),
    /** After a jump of the clock. */
    shift(ms: number): void {
      shiftInstants(db, 'ip_bans', ['banned_at', 'expires_at'], ms);
      shiftInstants(db, 'ip_rules', ['expires_at'], ms);
    },
    purge(now: string, bansBefore: string): void {
      purgeRules.run(now);
      purgeBans.run(bansBefore);
    },
  };
}
export type SecurityRepository = ReturnType<typeof securityRepository>;
