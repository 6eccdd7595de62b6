import { Type } from 'typebox';
import { envelope, page } from '../schema/common.ts';
import {
  AddedMember,
  AddMemberBody,
  CreatedTenant,
  CreateTenantBody,
  DeletedTenant,
  DeletedUser,
  Invite,
  Member,
  MemberParams,
  RemovedMember,
  SignInLink,
  Team,
  Tenant,
  TenantParams,
  TenantUsage,
  UpdateMemberBody,
  UpdateTeamBody,
  UpdateTenantBody,
  UpdateUserBody,
  User,
  UserParams,
  UserQuery,
} from '../schema/teams.ts';
import { operation } from './operation.ts';

const tag = 'Teams';
const people = 'People and tenants';

export const getTeam = operation({
  id: 'getTeam',
  method: 'GET',
  path: '/teams/mine',
  tag,
  summary: 'Get your team with its members and usage',
  access: { permission: 'usage:read' },
  refusesAppTokens: true,
  responses: { 200: envelope(Team) },
  errors: ['NO_TENANT'],
});

export const updateTeam = operation({
  id: 'updateTeam',
  method: 'PATCH',
  path: '/teams/mine',
  tag,
  summary: 'Rename your team',
  access: 'owner',
  body: UpdateTeamBody,
  responses: { 200: envelope(Team) },
  errors: ['NO_TENANT'],
  audit: 'team.update',
});

export const addMember = operation({
  id: 'addMember',
  method: 'POST',
  path: '/teams/mine/members',
  tag,
  summary: 'Invite someone to your team',
  description:
    'If the person has no account, one is prepared. They become a member only by accepting. If mail isn’t set up, the answer contains the link.',
  access: 'owner',
  body: AddMemberBody,
  responses: { 201: envelope(AddedMember) },
  errors: ['ALREADY_MEMBER', 'NO_TENANT'],
  audit: 'member.add',
});

export const updateMember = operation({
  id: 'updateMember',
  method: 'PATCH',
  path: '/teams/mine/members/{userId}',
  tag,
  summary: 'Change the role of a member',
  access: 'owner',
  params: MemberParams,
  body: UpdateMemberBody,
  unknownFields: 'refused',
  responses: { 200: envelope(Member) },
  errors: ['MEMBER_NOT_FOUND', 'LAST_OWNER', 'NO_TENANT', 'BREAK_GLASS_FIXED'],
  audit: 'member.update',
});

export const removeMember = operation({
  id: 'removeMember',
  method: 'DELETE',
  path: '/teams/mine/members/{userId}',
  tag,
  summary: 'Remove someone from your team',
  access: 'owner',
  params: MemberParams,
  responses: { 200: envelope(RemovedMember) },
  errors: ['MEMBER_NOT_FOUND', 'LAST_OWNER', 'NO_TENANT', 'BREAK_GLASS_FIXED'],
  audit: 'member.remove',
});

export const listInvites = operation({
  id: 'listInvites',
  method: 'GET',
  path: '/tenant/invites',
  tag,
  summary: 'List open invitations',
  access: 'owner',
  responses: { 200: envelope(Type.Array(Invite)) },
  errors: ['NO_TENANT'],
});

export const createInvite = operation({
  id: 'createInvite',
  method: 'POST',
  path: '/tenant/invites',
  tag,
  summary: 'Invite someone or renew an invitation',
  description:
    'The new link is valid for 72 hours and replaces the previous one. If mail isn’t set up, the answer contains the link.',
  access: 'owner',
  body: AddMemberBody,
  responses: { 201: envelope(Invite) },
  errors: ['ALREADY_MEMBER', 'NO_TENANT'],
  audit: 'invite.create',
});

export const revokeInvite = operation({
  id: 'revokeInvite',
  method: 'DELETE',
  path: '/tenant/invites/{userId}',
  tag,
  summary: 'Revoke an invitation',
  access: 'owner',
  params: MemberParams,
  responses: { 204: null },
  errors: ['INVITE_NOT_FOUND', 'INVITE_ACCEPTED', 'NO_TENANT'],
  audit: 'invite.revoke',
});

export const getTenantUsage = operation({
  id: 'getTenantUsage',
  method: 'GET',
  path: '/tenants/{id}/usage',
  tag,
  summary: 'Get a team’s quotas and usage',
  description: 'Your own team, unless you have global scope.',
  access: { permission: 'usage:read' },
  refusesAppTokens: true,
  params: TenantParams,
  responses: { 200: envelope(TenantUsage) },
  errors: ['TENANT_NOT_YOURS', 'TENANT_NOT_FOUND'],
});

export const listTenants = operation({
  id: 'listTenants',
  method: 'GET',
  path: '/tenants',
  tag: people,
  summary: 'List all teams',
  access: 'global',
  responses: { 200: envelope(Type.Array(Tenant)) },
});

export const createTenant = operation({
  id: 'createTenant',
  method: 'POST',
  path: '/tenants',
  tag: people,
  summary: 'Create a team',
  access: 'global',
  body: CreateTenantBody,
  responses: { 201: envelope(CreatedTenant) },
  audit: 'tenant.create',
});

export const updateTenant = operation({
  id: 'updateTenant',
  method: 'PATCH',
  path: '/tenants/{id}',
  tag: people,
  summary: 'Change a team’s name, plan or quotas',
  access: 'global',
  params: TenantParams,
  body: UpdateTenantBody,
  unknownFields: 'refused',
  responses: { 200: envelope(Tenant) },
  errors: ['TENANT_NOT_FOUND', 'PLATFORM_FIXED'],
  audit: 'tenant.update',
});

export const deleteTenant = operation({
  id: 'deleteTenant',
  method: 'DELETE',
  path: '/tenants/{id}',
  tag: people,
  summary: 'Delete a team without apps',
  description: 'Its members keep their accounts.',
  access: 'global',
  params: TenantParams,
  responses: { 200: envelope(DeletedTenant) },
  errors: ['TENANT_NOT_FOUND', 'TENANT_HAS_APPS', 'PLATFORM_FIXED'],
  audit: 'tenant.delete',
});

export const listUsers = operation({
  id: 'listUsers',
  method: 'GET',
  path: '/users',
  tag: people,
  summary: 'List all accounts',
  access: 'global',
  query: UserQuery,
  responses: { 200: page(User) },
});

export const updateUser = operation({
  id: 'updateUser',
  method: 'PATCH',
  path: '/users/{id}',
  tag: people,
  summary: 'Make someone a superadmin or an ordinary user, or confirm an address',
  access: 'global',
  params: UserParams,
  body: UpdateUserBody,
  unknownFields: 'refused',
  responses: { 200: envelope(User) },
  errors: ['USER_NOT_FOUND', 'LAST_SUPERADMIN', 'BREAK_GLASS_FIXED', 'EMAIL_IN_USE', 'EMAIL_NOT_PENDING'],
  audit: 'user.update',
});

export const deleteUser = operation({
  id: 'deleteUser',
  method: 'DELETE',
  path: '/users/{id}',
  tag: people,
  summary: 'Delete an account',
  description: 'Ends its sessions immediately. Its entries stay in the audit trail.',
  access: 'global',
  params: UserParams,
  responses: { 200: envelope(DeletedUser) },
  errors: ['USER_NOT_FOUND', 'LAST_SUPERADMIN', 'LAST_OWNER', 'BREAK_GLASS_FIXED'],
  audit: 'user.delete',
});

export const revokeUserSessions = operation({
  id: 'revokeUserSessions',
  method: 'DELETE',
  path: '/users/{id}/sessions',
  tag: people,
  summary: 'End all sessions of an account',
  access: 'global',
  params: UserParams,
  responses: { 200: envelope(Type.Object({ revoked: Type.Integer() })) },
  errors: ['USER_NOT_FOUND'],
  audit: 'user.revoke-sessions',
});

export const createSignInLink = operation({
  id: 'createSignInLink',
  method: 'POST',
  path: '/users/{id}/sign-in-link',
  tag: people,
  summary: 'Create a one-time sign-in link for someone',
  description:
    'For someone who lost their password while mail isn’t set up. Valid for one hour. Two-factor codes are still required.',
  access: 'global',
  params: UserParams,
  responses: { 201: envelope(SignInLink) },
  errors: ['USER_NOT_FOUND', 'BREAK_GLASS_FIXED'],
  audit: 'user.sign-in-link',
});
