import { contains, filteredList } from '#daemon/platform/db/filtered-list.ts';
import type { Db } from '#daemon/platform/db/open.ts';

export interface AuditRow {
  id: number;
  ts: string;
  action: string;
  outcome: 'done' | 'refused' | 'failed';
  status: number | null;
  actor_kind: 'user' | 'token' | 'node' | 'anonymous' | 'system';
  actor_id: string;
  actor_label: string | null;
  actor_is_global: 0 | 1;
  tenant_id: string | null;
  app: string | null;
  target: string | null;
  before_json: string | null;
  after_json: string | null;
  ip: string | null;
  request_id: string | null;
}
export type NewAuditRow = Omit<AuditRow, 'id'>;

const CONDITIONS = {
  tenant: 'tenant_id = @tenant',
  actor: `(actor_id = @actor OR ${contains('actor_label', '@actor')})`,
  // a resource stands for all its actions: `app` for `app.create`
  action: `(action = @action OR (action >= @action || '.' AND action < @action || '/'))`,
  app: 'app = @app',
  target: 'target = @target',
  outcome: 'outcome = @outcome',
  since: 'ts >= @since',
  until: 'ts <= @until',
};

/** SQL of the table `audit`. */
export function auditRepository(db: Db) {
  const insert = db.prepare<[NewAuditRow]>(
    `INSERT INTO audit (ts, action, outcome, status, actor_kind, actor_id, actor_label, actor_is_global, tenant_id, app,
       target, before_json, after_json, ip, request_id)
     VALUES (@ts, @action, @outcome, @status, @actor_kind, @actor_id, @actor_label, @actor_is_global, @tenant_id, @app,
       @target, @before_json, @after_json, @ip, @request_id)`,
  );
  const older = db.prepare<[string, number]>(
    'DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE ts < ? ORDER BY ts LIMIT ?)',
  );
  const beyond = db.prepare<[number, number]>(
    'DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE id <= (SELECT max(id) FROM audit) - ? ORDER BY id LIMIT ?)',
  );
  const rows = filteredList<AuditRow, keyof typeof CONDITIONS>(db, {
    table: 'audit',
    conditions: CONDITIONS,
    order: 'ts DESC, id DESC',
  });
  return {
    insertAll: db.transaction((rows: readonly NewAuditRow[]) => {
      for (const row of rows) insert.run(row);
    }),
    page: rows.page,
    /** Deletes at most `batch` of what is too old or too much. @returns how many */
    prune(before: string | null, keep: number, batch: number): number {
      const aged = before === null ? 0 : older.run(before, batch).changes;
      return aged + beyond.run(keep, batch).changes;
    },
  };
}
export type AuditRepository = ReturnType<typeof auditRepository>;
