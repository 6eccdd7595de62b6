import { contains, filteredList, type Page } from '#daemon/platform/db/filtered-list.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import type { Role } from '#shared/permissions.ts';
import type { Quotas } from '#shared/schema/teams.ts';

export interface TenantRow {
  id: string;
  name: string;
  plan: string;
  created_at: string;
}
export interface QuotaRow {
  max_apps: number | null;
  max_concurrent_streams: number | null;
  max_recording_minutes_month: number | null;
  max_egress_gb_month: number | null;
  max_storage_gb: number | null;
}
export interface MemberRow {
  user_id: string;
  email: string | null;
  name: string | null;
  role: Role;
  status: 'active' | 'invited';
  is_superadmin: 0 | 1;
  created_at: string;
}
export interface UserListRow {
  id: string;
  email: string | null;
  email_verified_at: string | null;
  pending_email: string | null;
  former_email: string | null;
  name: string | null;
  is_superadmin: 0 | 1;
  status: 'active' | 'pending';
  totp_enabled: 0 | 1;
  created_at: string;
}

const COLUMN: Readonly<Record<keyof Quotas, keyof QuotaRow>> = {
  maxApps: 'max_apps',
  maxConcurrentStreams: 'max_concurrent_streams',
  maxRecordingMinutesMonth: 'max_recording_minutes_month',
  maxEgressGbMonth: 'max_egress_gb_month',
  maxStorageGb: 'max_storage_gb',
};

/** SQL of the tables `tenants` and `quotas`, and of lists of people. */
export function tenantStore(db: Db) {
  const all = db.prepare<[], TenantRow & { members: number }>(
    `SELECT t.*, (SELECT count(*) FROM memberships m WHERE m.tenant_id = t.id AND m.status = 'active') AS members
     FROM tenants t ORDER BY t.name COLLATE NOCASE, t.id`,
  );
  const byId = db.prepare<[string], TenantRow>('SELECT * FROM tenants WHERE id = ?');
  const insert = db.prepare<[TenantRow]>(
    'INSERT INTO tenants (id, name, plan, created_at) VALUES (@id, @name, @plan, @created_at)',
  );
  const update = db.prepare<[{ id: string; name: string; plan: string }]>(
    'UPDATE tenants SET name = @name, plan = @plan WHERE id = @id',
  );
  const remove = db.prepare<[string]>('DELETE FROM tenants WHERE id = ?');
  const quotas = db.prepare<[string], QuotaRow>('SELECT * FROM quotas WHERE tenant_id = ?');
  const members = db.prepare<[string], MemberRow>(
    `SELECT m.user_id, u.email, u.name, m.role, m.status, u.is_superadmin, m.created_at
     FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.tenant_id = ? ORDER BY m.created_at, m.user_id`,
  );
  const owners = db
    .prepare<[string], number>(
      `SELECT count(*) FROM memberships WHERE tenant_id = ? AND role = 'owner' AND status = 'active'`,
    )
    .pluck();
  const users = filteredList<UserListRow, 'q'>(db, {
    table: 'users',
    columns:
      'id, email, email_verified_at, pending_email, former_email, name, is_superadmin, status, totp_enabled, created_at',
    conditions: { q: `(${contains('email', '@q')} OR ${contains('name', '@q')})` },
    order: 'created_at, id',
  });
  const teamsOf = db.prepare<[string], { id: string; name: string; role: Role; status: 'active' | 'invited' }>(
    `SELECT t.id, t.name, m.role, m.status FROM memberships m JOIN tenants t ON t.id = m.tenant_id
     WHERE m.user_id = ? ORDER BY m.created_at, t.id`,
  );
  return {
    all: () => all.all(),
    byId: (id: string) => byId.get(id),
    insert: (row: TenantRow) => insert.run(row),
    update: (row: Pick<TenantRow, 'id' | 'name' | 'plan'>) => update.run(row),
    remove: (id: string) => remove.run(id),
    /** The limits that were set for this team in particular. */
    quotas(id: string): Partial<Quotas> {
      const row = quotas.get(id);
      const set: Partial<Quotas> = {};
      for (const [metric, column] of Object.entries(COLUMN) as [keyof Quotas, keyof QuotaRow][]) {
        const value = row?.[column];
        if (value !== undefined && value !== null) set[metric] = value;
      }
      return set;
    },
    setQuotas(id: string, values: Partial<Quotas>): void {
      const row: Record<string, string | number | null> = { tenant_id: id };
      for (const [metric, column] of Object.entries(COLUMN) as [keyof Quotas, keyof QuotaRow][])
        row[column] = values[metric] ?? null;
      const columns = Object.keys(row);
      db.prepare(
        `INSERT OR REPLACE INTO quotas (${columns.join(', ')}) VALUES (${columns.map((c) => `@${c}`).join(', ')})`,
      ).run(row);
    },
    members: (id: string) => members.all(id),
    owners: (id: string) => owners.get(id) ?? 0,
    /** @param q part of an address or a name; empty = everyone */
    users: (q: string, page: Page) => users.page({ q: q === '' ? undefined : q }, page),
    teamsOf: (userId: string) => teamsOf.all(userId),
  };
}
export type TenantStore = ReturnType<typeof tenantStore>;
