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
  summary: 'Your team: members and usage',
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
  summary: 'Invite someone into your team',
  description:
    'Whoever has no account yet gets one that waits for its owner. Nobody becomes a member before accepting. Without mail the answer holds the link.',
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
  responses: { 200: envelope(Member) },
  errors: ['MEMBER_NOT_FOUND', 'LAST_OWNER', 'NO_TENANT', 'BREAK_GLASS_FIXED'],
  audit: 'member.update',
});

export const removeMember = operation({
  id: 'removeMember',
  method: 'DELETE',
  path: '/teams/mine/members/{userId}',
  tag,
  summary: 'Take someone out of your team',
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
  summary: 'Invite someone, or invite again',
  description: 'A new link is valid for 72 hours and ends the one before. Without mail the answer holds it.',
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
  summary: 'Take an invitation back',
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
  summary: 'Quotas and usage of a team',
  description: 'One’s own team, unless the credential is of global scope.',
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
  responses: { 200: envelope(Tenant) },
  errors: ['TENANT_NOT_FOUND', 'PLATFORM_FIXED'],
  audit: 'tenant.update',
});

export const deleteTenant = operation({
  id: 'deleteTenant',
  method: 'DELETE',
  path: '/tenants/{id}',
  tag: people,
  summary: 'Delete a team that has no apps',
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
  summary: 'Make someone a superadmin, or no longer; confirm an address',
  access: 'global',
  params: UserParams,
  body: UpdateUserBody,
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
  description: 'Its sessions end at once; what it did stays in the audit trail.',
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
  summary: 'Make a link that signs someone in once',
  description:
    'For a person who lost the password, where no mail can be sent. Valid for one hour; two-factor codes are still asked for.',
  access: 'global',
  params: UserParams,
  responses: { 201: envelope(SignInLink) },
  errors: ['USER_NOT_FOUND', 'BREAK_GLASS_FIXED'],
  audit: 'user.sign-in-link',
});
