import type { EventBus } from '#daemon/platform/events/bus.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { Mailer } from '#daemon/platform/mail/mailer.ts';
import { invitationMail } from '#daemon/platform/mail/messages.ts';
import type { Principal } from '#daemon/platform/principal.ts';
import { isGlobal } from '#shared/access.ts';
import { ApiError } from '#shared/errors.ts';
import type { Role } from '#shared/permissions.ts';
import type { AddedMember, AddMemberBody, Invite, Member, Team } from '#shared/schema/teams.ts';
import { checkedEmail, newUserId } from '../auth/identity.ts';
import { type Links, linkUrl, shownInvite } from '../auth/links.ts';
import { BREAK_GLASS } from '../auth/principals.ts';
import type { SessionStore } from '../auth/sessions.ts';
import type { MemberRow, TenantRow, TenantStore } from '../people/tenant-store.ts';
import type { MembershipRow, UserRow, UserStore } from '../people/user-store.ts';
import type { RateLimits } from '../security/rate-limits.ts';
import type { UsageService } from './usage.ts';

export interface TeamServiceDeps {
  users: UserStore;
  tenants: TenantStore;
  sessions: SessionStore;
  links: Links;
  mailer: Mailer;
  usage: UsageService;
  limits: RateLimits;
  events: EventBus;
  /** Where links lead that are passed on by hand. */
  linkBase(): string;
  log: Log<'warn'>;
}

/** One team and its people. Nobody becomes a member before accepting the invitation. */
export class TeamService {
  readonly #deps: TeamServiceDeps;

  constructor(deps: TeamServiceDeps) {
    this.#deps = deps;
  }

  async team(principal: Principal): Promise<Team> {
    const { id, name, plan, created_at } = this.tenantOf(principal);
    return {
      team: { id, name, plan, created_at },
      members: this.#deps.tenants.members(id).map(toMember),
      usage: await this.#deps.usage.of(id),
    };
  }

  async rename(principal: Principal, name: string): Promise<Team> {
    const tenant = this.tenantOf(principal);
    this.#deps.tenants.update({ ...tenant, name: name.trim() || tenant.name });
    this.announce(tenant.id);
    return this.team(principal);
  }

  /** Invites, and answers with the member as it will be. @throws ApiError ALREADY_MEMBER */
  async addMember(principal: Principal, body: AddMemberBody): Promise<AddedMember> {
    const tenant = this.tenantOf(principal);
    const { user, emailSent, inviteUrl } = await this.invite(tenant, body, principal);
    const row = this.#deps.tenants.members(tenant.id).find((m) => m.user_id === user.id);
    if (row === undefined) throw new ApiError('MEMBER_NOT_FOUND', { id: user.id });
    return {
      ...toMember(row),
      emailSent,
      ...shownInvite(inviteUrl),
    };
  }

  async createInvite(principal: Principal, body: AddMemberBody): Promise<Invite> {
    const tenant = this.tenantOf(principal);
    const { user, emailSent, inviteUrl } = await this.invite(tenant, body, principal);
    const invite = this.invites(principal).find((i) => i.userId === user.id);
    if (invite === undefined) throw new ApiError('INVITE_NOT_FOUND', { id: user.id });
    return { ...invite, emailSent, ...shownInvite(inviteUrl) };
  }

  invites(principal: Principal): Invite[] {
    const { tenants, links } = this.#deps;
    const tenant = this.tenantOf(principal);
    return tenants
      .members(tenant.id)
      .filter((m) => m.status === 'invited')
      .map((m) => {
        const link = links.openInvite(m.user_id, tenant.id);
        return {
          userId: m.user_id,
          email: m.email ?? '',
          role: m.role,
          invitedAt: link?.created_at ?? m.created_at,
          expiresAt: link?.expires_at ?? null,
          emailSent: link?.mailed === 1,
        };
      });
  }

  /** @throws ApiError INVITE_NOT_FOUND, INVITE_ACCEPTED */
  revokeInvite(principal: Principal, userId: string): void {
    const tenant = this.tenantOf(principal);
    const membership = this.#deps.users.membership(userId, tenant.id);
    if (membership === undefined) throw new ApiError('INVITE_NOT_FOUND', { id: userId });
    if (membership.status !== 'invited') throw new ApiError('INVITE_ACCEPTED');
    this.#leave(membership);
  }

  /** @throws ApiError MEMBER_NOT_FOUND, LAST_OWNER */
  updateMember(principal: Principal, userId: string, role: Role): { before: Member; after: Member } {
    const { users, tenants, sessions } = this.#deps;
    const tenant = this.tenantOf(principal);
    const membership = this.#membership(userId, tenant.id);
    const before = this.#member(tenant.id, userId);
    if (role !== 'owner') this.#keepOwner(membership);
    users.join({ ...membership, role });
    sessions.refresh(userId);
    this.announce(tenant.id, userId);
    return { before, after: toMember(tenants.members(tenant.id).find((m) => m.user_id === userId) as MemberRow) };
  }

  /** @throws ApiError MEMBER_NOT_FOUND, LAST_OWNER */
  removeMember(principal: Principal, userId: string): Member {
    const tenant = this.tenantOf(principal);
    const membership = this.#membership(userId, tenant.id);
    const before = this.#member(tenant.id, userId);
    this.#keepOwner(membership);
    this.#leave(membership);
    return before;
  }

  /** Makes (or renews) an invitation and mails it where mail is set up; otherwise its maker passes the link on. */
  async invite(
    tenant: TenantRow,
    body: AddMemberBody,
    inviter: Principal,
  ): Promise<{ user: UserRow; emailSent: boolean; inviteUrl?: string; expiresAt: string }> {
    const { users, links, mailer, log } = this.#deps;
    const email = checkedEmail(body.email);
    const role = body.role ?? 'viewer';
    // who hands over the link is who answers for the address
    const vouched = isGlobal(inviter);
    const { user, link } = users.transaction(() => {
      const user = users.byEmail(email) ?? this.#pendingUser(email);
      if (user.id === BREAK_GLASS || users.membership(user.id, tenant.id)?.status === 'active') {
        throw new ApiError('ALREADY_MEMBER');
      }
      const created_at = users.membership(user.id, tenant.id)?.created_at ?? new Date().toISOString();
      users.join({ user_id: user.id, tenant_id: tenant.id, role, status: 'invited', created_at });
      links.drop('invite', user.id, tenant.id);
      return { user, link: links.issue({ kind: 'invite', email, userId: user.id, tenantId: tenant.id, vouched }) };
    });
    this.announce(tenant.id);
    if (mailer.canSendLinks && (await this.#mayMail(tenant.id, email, vouched))) {
      try {
        await mailer.send(
          email,
          invitationMail(linkUrl(mailer.linkBase, 'invite', link.token), tenant.name, inviter.email),
        );
        links.markMailed(link.id);
        return { user, emailSent: true, expiresAt: link.expiresAt };
      } catch (error) {
        log.warn({ reason: (error as Error).message }, 'an invitation could not be mailed');
      }
    }
    const inviteUrl = linkUrl(this.#deps.linkBase(), 'invite', link.token);
    return { user, emailSent: false, inviteUrl, expiresAt: link.expiresAt };
  }

  /** Nobody's mailbox is filled, and no team uses up the mail server that all share. Then the link is passed on by hand. */
  async #mayMail(tenantId: string, email: string, isOperator: boolean): Promise<boolean> {
    const { limits, log } = this.#deps;
    const taken = [await limits.take('mail-address', email)];
    if (!isOperator) taken.push(await limits.take('mail-team', tenantId));
    const isAllowed = taken.every(({ allowed }) => allowed);
    if (!isAllowed) log.warn({ tenant: tenantId }, 'an invitation was not mailed: too many in an hour');
    return isAllowed;
  }

  /** The team that a caller acts for. @throws ApiError NO_TENANT */
  tenantOf(principal: Principal): TenantRow {
    const tenant = principal.tenantId === null ? undefined : this.#deps.tenants.byId(principal.tenantId);
    if (tenant === undefined) throw new ApiError('NO_TENANT');
    return tenant;
  }

  #pendingUser(email: string): UserRow {
    const { users } = this.#deps;
    const id = newUserId();
    const created_at = new Date().toISOString();
    users.insert({ id, email, name: null, is_superadmin: 0, status: 'pending', password_hash: null, created_at });
    return users.byId(id) as UserRow;
  }

  #membership(userId: string, tenantId: string): MembershipRow {
    if (userId === BREAK_GLASS) throw new ApiError('BREAK_GLASS_FIXED');
    const membership = this.#deps.users.membership(userId, tenantId);
    if (membership === undefined) throw new ApiError('MEMBER_NOT_FOUND', { id: userId });
    return membership;
  }

  #member(tenantId: string, userId: string): Member {
    const row = this.#deps.tenants.members(tenantId).find((m) => m.user_id === userId);
    if (row === undefined) throw new ApiError('MEMBER_NOT_FOUND', { id: userId });
    return toMember(row);
  }

  #keepOwner({ role, status, tenant_id }: MembershipRow): void {
    if (role === 'owner' && status === 'active' && this.#deps.tenants.owners(tenant_id) < 2) {
      throw new ApiError('LAST_OWNER');
    }
  }

  /** Removes the account of somebody who left the last team: who was only ever invited leaves none behind. */
  dropUnaccepted(userId: string): void {
    const { users } = this.#deps;
    if (users.byId(userId)?.status === 'pending' && users.memberships(userId).length === 0) users.remove(userId);
  }

  #leave({ user_id, tenant_id }: MembershipRow): void {
    const { users, links, sessions } = this.#deps;
    users.transaction(() => {
      users.leave(user_id, tenant_id);
      links.drop('invite', user_id, tenant_id);
      this.dropUnaccepted(user_id);
    });
    sessions.refresh(user_id);
    this.announce(tenant_id, user_id);
  }

  /** @param user whose rights changed with it, so that it reaches a person who just left, too */
  announce(tenant: string, user?: string): void {
    this.#deps.events.publish({ type: 'team.changed', tenant, ...(user && { user }), data: { tenant } });
  }
}

/** Of an account that has not accepted yet, a team sees what it has typed itself, and nothing else. */
const toMember = (row: MemberRow): Member => ({
  userId: row.user_id,
  email: row.email,
  name: row.status === 'active' ? row.name : null,
  role: row.role,
  status: row.status,
  isSuperadmin: row.status === 'active' && row.is_superadmin === 1,
  createdAt: row.created_at,
});
