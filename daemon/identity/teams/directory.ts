import { randomUUID } from 'node:crypto';
import { PLATFORM, type Principal } from '#daemon/platform/principal.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import type {
  CreateTenantBody,
  Invite,
  Quotas,
  Tenant,
  UpdateTenantBody,
  UpdateUserBody,
  User,
} from '#shared/schema/teams.ts';
import type { EmailProof } from '../auth/email-proof.ts';
import { checkedEmail, normalEmail } from '../auth/identity.ts';
import { type Links, linkNotes, linkUrl, shownInvite } from '../auth/links.ts';
import { BREAK_GLASS } from '../auth/principals.ts';
import type { SessionStore } from '../auth/sessions.ts';
import type { TenantRow, TenantStore, UserListRow } from '../people/tenant-store.ts';
import type { UserRow, UserStore } from '../people/user-store.ts';
import type { QuotaService } from './quotas.ts';
import type { TeamService } from './service.ts';

const SIGN_IN_LINK_MS = 60 * 60_000;

export interface DirectoryDeps {
  users: UserStore;
  tenants: TenantStore;
  sessions: SessionStore;
  links: Links;
  emailProof: EmailProof;
  teams: TeamService;
  quotas: QuotaService;
  countApps(tenantId: string): number;
  linkBase(): string;
  hasBreakGlass(): boolean;
}

/** All teams and accounts of the installation, for its operator. */
export class Directory {
  readonly #deps: DirectoryDeps;

  constructor(deps: DirectoryDeps) {
    this.#deps = deps;
  }

  countApps(tenantId: string): number {
    return this.#deps.countApps(tenantId);
  }

  listTenants(): Tenant[] {
    return this.#deps.tenants.all().map((row) => this.#tenant(row, row.members));
  }

  /**
   * Its owner, where given, is invited.
   * @param id of a deleted team that comes back, so that what is kept for it is its own again
   */
  async createTenant(
    body: CreateTenantBody,
    principal: Principal,
    id = `tnt_${randomUUID()}`,
  ): Promise<{ tenant: Tenant; invite: Invite | null }> {
    const { tenants, teams } = this.#deps;
    if (body.ownerEmail !== undefined) checkedEmail(body.ownerEmail, 'body.ownerEmail');
    const row: TenantRow = {
      id,
      name: nonBlank(body.name),
      plan: body.plan ?? 'free',
      created_at: new Date().toISOString(),
    };
    tenants.insert(row);
    if (body.quotas !== undefined) tenants.setQuotas(row.id, body.quotas);
    if (body.ownerEmail === undefined) {
      teams.announce(id);
      return { tenant: this.#tenant(row, 0), invite: null };
    }
    try {
      const made = await teams.invite(row, { email: body.ownerEmail, role: 'owner' }, principal);
      const invite: Invite = {
        userId: made.user.id,
        email: made.user.email ?? '',
        role: 'owner',
        invitedAt: row.created_at,
        expiresAt: made.expiresAt,
        emailSent: made.emailSent,
        ...shownInvite(made.inviteUrl),
      };
      return { tenant: this.#tenant(row, 0), invite };
    } catch (error) {
      tenants.remove(row.id);
      throw error;
    }
  }

  /** Quotas that are sent replace those sent before; `null` is not a limit. */
  updateTenant(id: string, body: UpdateTenantBody): { before: Tenant; after: Tenant } {
    const { tenants, teams } = this.#deps;
    const row = this.requireTenant(id);
    if (id === PLATFORM && (body.plan !== undefined || body.quotas !== undefined)) {
      throw new ApiError('PLATFORM_FIXED', { reason: 'it has no limits' });
    }
    const members = tenants.members(id).filter((m) => m.status === 'active').length;
    const before = this.#tenant(row, members);
    const changed = {
      ...row,
      name: body.name === undefined ? row.name : nonBlank(body.name),
      plan: body.plan ?? row.plan,
    };
    tenants.update(changed);
    if (body.quotas !== undefined) tenants.setQuotas(id, { ...tenants.quotas(id), ...body.quotas });
    teams.announce(id);
    return { before, after: this.#tenant(changed, members) };
  }

  /** Exactly these limits are the team’s; what is not named has the default. */
  setQuotas(id: string, quotas: Partial<Quotas>): void {
    this.#deps.tenants.setQuotas(this.requireTenant(id).id, quotas);
    this.#deps.teams.announce(id);
  }

  /** @throws ApiError TENANT_HAS_APPS */
  deleteTenant(id: string): Tenant {
    const { users, tenants, sessions, teams } = this.#deps;
    const row = this.requireTenant(id);
    if (id === PLATFORM) throw new ApiError('PLATFORM_FIXED', { reason: 'it cannot be deleted' });
    const count = this.#deps.countApps(id);
    if (count > 0) throw new ApiError('TENANT_HAS_APPS', { count });
    const members = tenants.members(id);
    users.transaction(() => {
      tenants.remove(id);
      for (const { user_id } of members) teams.dropUnaccepted(user_id);
    });
    for (const { user_id } of members) {
      sessions.refresh(user_id);
      teams.announce(id, user_id);
    }
    if (members.length === 0) teams.announce(id);
    return this.#tenant(row, members.length);
  }

  /** @throws ApiError TENANT_NOT_FOUND */
  requireTenant(id: string): TenantRow {
    const row = this.#deps.tenants.byId(id);
    if (row === undefined) throw new ApiError('TENANT_NOT_FOUND', { id });
    return row;
  }

  listUsers(q: string, limit: number, offset: number): { data: User[]; total: number } {
    const { rows, total } = this.#deps.tenants.users(q, { limit, offset });
    return { data: rows.map((row) => this.#user(row)), total };
  }

  /** @throws ApiError LAST_SUPERADMIN, EMAIL_IN_USE, EMAIL_NOT_PENDING */
  updateUser(id: string, { isSuperadmin, confirmEmail }: UpdateUserBody): { before: User; after: User } {
    const { users, sessions, emailProof, teams } = this.#deps;
    const row = this.#requireUser(id);
    if (id === BREAK_GLASS) throw new ApiError('BREAK_GLASS_FIXED');
    const before = this.#user(row);
    if (isSuperadmin === false) this.#keepSuperadmin(row);
    if (confirmEmail !== undefined) emailProof.confirmByOperator(row, normalEmail(confirmEmail));
    if (isSuperadmin !== undefined) users.update(id, { is_superadmin: isSuperadmin ? 1 : 0 });
    sessions.refresh(id);
    if (isSuperadmin !== undefined) teams.announce(PLATFORM, id);
    return { before, after: this.#user(this.#requireUser(id)) };
  }

  /** @throws ApiError LAST_SUPERADMIN, LAST_OWNER */
  deleteUser(id: string): User {
    const { users, tenants, sessions, teams } = this.#deps;
    const row = this.#requireUser(id);
    if (id === BREAK_GLASS) throw new ApiError('BREAK_GLASS_FIXED');
    this.#keepSuperadmin(row);
    const memberships = users.memberships(id);
    for (const m of memberships) {
      const last = m.role === 'owner' && m.status === 'active' && tenants.owners(m.tenant_id) < 2;
      if (last && m.tenant_id !== PLATFORM && this.#deps.countApps(m.tenant_id) > 0) throw new ApiError('LAST_OWNER');
    }
    const before = this.#user(row);
    sessions.revokeAll(id);
    users.remove(id);
    for (const { tenant_id } of memberships) teams.announce(tenant_id);
    return before;
  }

  revokeSessions(id: string): number {
    return this.#deps.sessions.revokeAll(this.#requireUser(id).id);
  }

  /** A link that signs somebody in once, for a person who lost the password where no mail can be sent. */
  signInLink(id: string): { url: string; expiresAt: string; linkNotes: string[] } {
    const { links } = this.#deps;
    const user = this.#requireUser(id);
    if (id === BREAK_GLASS) throw new ApiError('BREAK_GLASS_FIXED');
    links.drop('login', id);
    const { token, expiresAt } = links.issue({
      kind: 'login',
      email: user.email,
      userId: id,
      lifetime: SIGN_IN_LINK_MS,
    });
    const url = linkUrl(this.#deps.linkBase(), 'login', token);
    return { url, expiresAt, linkNotes: linkNotes(url) };
  }

  #requireUser(id: string): UserRow {
    const user = this.#deps.users.byId(id);
    if (user === undefined) throw new ApiError('USER_NOT_FOUND', { id });
    return user;
  }

  #keepSuperadmin(row: UserRow): void {
    const counts = row.is_superadmin === 1 && row.status === 'active' && row.password_hash !== null;
    if (counts && !this.#deps.hasBreakGlass() && this.#deps.users.superadmins() < 2) {
      throw new ApiError('LAST_SUPERADMIN');
    }
  }

  #tenant(row: TenantRow, members: number): Tenant {
    return {
      id: row.id,
      name: row.name,
      plan: row.plan,
      createdAt: row.created_at,
      members,
      apps: this.#deps.countApps(row.id),
      quotas: this.#deps.quotas.of(row.id),
    };
  }

  #user(row: UserListRow): User {
    const { tenants, sessions } = this.#deps;
    return {
      id: row.id,
      email: row.email,
      emailProven: row.email_verified_at !== null,
      pendingEmail: row.pending_email,
      formerEmail: row.former_email,
      name: row.name,
      isSuperadmin: row.is_superadmin === 1,
      status: row.status,
      twoFactorEnabled: row.totp_enabled === 1,
      teams: tenants.teamsOf(row.id),
      sessions: sessions.count(row.id),
      lastSeen: sessions.lastSeen(row.id),
      createdAt: row.created_at,
    };
  }
}

function nonBlank(name: string): string {
  const text = name.trim();
  if (text === '') throw fieldError('body.name', 'must not be blank');
  return text;
}
