import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import { isGlobal } from '#shared/access.ts';
import * as ops from '#shared/contract/teams.ts';
import { ApiError } from '#shared/errors.ts';
import { ok } from '#shared/schema/common.ts';
import type { Directory } from './directory.ts';
import type { TeamService } from './service.ts';
import type { UsageService } from './usage.ts';

export function teamRoutes(
  app: FastifyInstance,
  { teams, directory, usage }: { teams: TeamService; directory: Directory; usage: UsageService },
): void {
  memberRoutes(app, teams);
  tenantRoutes(app, directory, usage);
  userRoutes(app, directory);
}

function memberRoutes(app: FastifyInstance, teams: TeamService): void {
  route(app, ops.getTeam, async ({ principal }) => ok(await teams.team(principal)));
  route(app, ops.updateTeam, async ({ principal, body, audit }) => {
    const { id, name } = teams.tenantOf(principal);
    audit({ target: id, before: { name } });
    return ok(await teams.rename(principal, body.name));
  });
  route(app, ops.addMember, async ({ principal, body, audit }) => {
    const member = await teams.addMember(principal, body);
    audit({ target: member.email ?? member.userId, after: { userId: member.userId, role: member.role } });
    return ok(member);
  });
  route(app, ops.updateMember, ({ principal, params, body, audit }) => {
    const { before, after } = teams.updateMember(principal, params.userId, body.role);
    audit({ target: after.email ?? after.userId, before: { role: before.role }, after: { role: after.role } });
    return ok(after);
  });
  route(app, ops.removeMember, ({ principal, params, audit }) => {
    const before = teams.removeMember(principal, params.userId);
    audit({ target: before.email ?? before.userId, before: { role: before.role, status: before.status } });
    return ok({ userId: params.userId, removed: true as const });
  });
  route(app, ops.listInvites, ({ principal }) => ok(teams.invites(principal)));
  route(app, ops.createInvite, async ({ principal, body, audit }) => {
    const invite = await teams.createInvite(principal, body);
    audit({ target: invite.email, after: { userId: invite.userId, role: invite.role, emailSent: invite.emailSent } });
    return ok(invite);
  });
  route(app, ops.revokeInvite, ({ principal, params }) => {
    teams.revokeInvite(principal, params.userId);
    return undefined;
  });
}

function tenantRoutes(app: FastifyInstance, directory: Directory, usage: UsageService): void {
  route(app, ops.getTenantUsage, async ({ principal, params }) => {
    if (!isGlobal(principal) && principal.tenantId !== params.id) throw new ApiError('TENANT_NOT_YOURS');
    const tenant = directory.requireTenant(params.id);
    return ok(await usage.withQuotas(tenant.id, tenant.plan));
  });
  route(app, ops.listTenants, () => ok(directory.listTenants()));
  route(app, ops.createTenant, async ({ body, principal, audit }) => {
    const made = await directory.createTenant(body, principal);
    audit({ target: made.tenant.id, tenant: made.tenant.id });
    return ok(made);
  });
  route(app, ops.updateTenant, ({ params, body, audit }) => {
    const { before, after } = directory.updateTenant(params.id, body);
    audit({ tenant: params.id, before: { name: before.name, plan: before.plan, quotas: before.quotas } });
    return ok(after);
  });
  route(app, ops.deleteTenant, ({ params, audit }) => {
    const before = directory.deleteTenant(params.id);
    audit({ tenant: params.id, before: { name: before.name } });
    return ok({ id: params.id, deleted: true as const });
  });
}

function userRoutes(app: FastifyInstance, directory: Directory): void {
  route(app, ops.listUsers, ({ query }) => {
    const { q = '', limit = 100, offset = 0 } = query;
    return { ...directory.listUsers(q, limit, offset), limit, offset };
  });
  route(app, ops.updateUser, ({ params, body, audit }) => {
    const { before, after } = directory.updateUser(params.id, body);
    const { isSuperadmin, email } = before;
    audit({ target: after.email ?? after.id, before: { isSuperadmin, email } });
    return ok(after);
  });
  route(app, ops.deleteUser, ({ params, audit }) => {
    const before = directory.deleteUser(params.id);
    audit({ target: before.email ?? before.id, before: { id: before.id, teams: before.teams.map((team) => team.id) } });
    return ok({ id: params.id, deleted: true as const });
  });
  route(app, ops.revokeUserSessions, ({ params }) => ok({ revoked: directory.revokeSessions(params.id) }));
  route(app, ops.createSignInLink, ({ params, audit }) => {
    const link = directory.signInLink(params.id);
    audit({ after: { expiresAt: link.expiresAt } });
    return ok(link);
  });
}
