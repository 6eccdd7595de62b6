import { type Static, Type } from 'typebox';
import { ROLES } from '../permissions.ts';
import { Email } from './auth.ts';
import { GivenName, Instant, MAX_INTEGER, nullable, object, oneOf, paging } from './common.ts';

const TeamRole = oneOf(ROLES, {
  description:
    '`owner` may do everything in the team, `editor` everything except managing people and deleting apps, `viewer` may only view.',
});
const MemberStatus = oneOf(['active', 'invited'], {
  title: 'MemberStatus',
  description: '`invited`: not accepted yet.',
});

export const METRICS = [
  'maxApps',
  'maxConcurrentStreams',
  'maxRecordingMinutesMonth',
  'maxEgressGbMonth',
  'maxStorageGb',
] as const;
export type QuotaMetric = (typeof METRICS)[number];

const limit = (what: string) =>
  Type.Integer({ minimum: -1, maximum: MAX_INTEGER, description: `${what}; -1: unlimited.` });
export const Quotas = object({
  maxApps: limit('Apps'),
  maxConcurrentStreams: limit('Live streams at the same time; checked when someone requests the right to publish'),
  maxRecordingMinutesMonth: limit('Recorded minutes per calendar month (UTC); checked when a recording starts'),
  maxEgressGbMonth: limit(
    'Gigabytes delivered per calendar month; stored for your own billing only, because the daemon can’t measure it',
  ),
  maxStorageGb: limit('Gigabytes of recordings; checked when a recording starts'),
});
/** Only those to set. */
const SomeQuotas = Type.Partial(Quotas, { additionalProperties: false, title: 'SomeQuotas' });
export type Quotas = Static<typeof Quotas>;

export const Usage = object({
  apps: Type.Integer(),
  concurrentStreams: Type.Integer(),
  recordingMinutesMonth: Type.Number(),
  egressGbMonth: nullable(
    Type.Number({ description: 'Null: not measured, because media doesn’t pass through the daemon.' }),
  ),
  storageGb: Type.Number(),
  measuredAt: Instant,
});
export type Usage = Static<typeof Usage>;

export const TenantUsage = object({
  tenantId: Type.String(),
  plan: Type.String(),
  quotas: Quotas,
  usage: Usage,
  exceeded: Type.Array(oneOf(METRICS, { title: 'QuotaMetric' }), { description: 'Quotas that are used up.' }),
});
export type TenantUsage = Static<typeof TenantUsage>;

export const Member = object({
  userId: Type.String(),
  email: nullable(Type.String()),
  name: nullable(Type.String(), { description: 'Null until the invitation is accepted.' }),
  role: TeamRole,
  status: MemberStatus,
  isSuperadmin: Type.Boolean({ description: 'False until the invitation is accepted.' }),
  createdAt: Instant,
});
export type Member = Static<typeof Member>;

const inviteUrl = Type.Optional(
  Type.String({
    description: 'The invitation link, for sending it yourself. Only if it was not emailed, and only in this answer.',
  }),
);
const linkNotes = Type.Optional(
  Type.Array(Type.String(), { description: 'What keeps others from opening the link, and what to set.' }),
);
export const AddedMember = object({ ...Member.properties, emailSent: Type.Boolean(), inviteUrl, linkNotes });
export type AddedMember = Static<typeof AddedMember>;

export const Team = object({
  team: object({ id: Type.String(), name: Type.String(), plan: Type.String(), created_at: Instant }),
  members: Type.Array(Member),
  usage: Usage,
});
export type Team = Static<typeof Team>;

const TeamName = GivenName(200, { minLength: 1 });
export const UpdateTeamBody = object({ name: TeamName });
export const AddMemberBody = object({ email: Email, role: Type.Optional(TeamRole) });
export type AddMemberBody = Static<typeof AddMemberBody>;
export const UpdateMemberBody = object({ role: TeamRole });
export const MemberParams = object({ userId: Type.String() });
export const RemovedMember = object({ userId: Type.String(), removed: Type.Literal(true) });

export const Invite = object({
  userId: Type.String(),
  email: Type.String(),
  role: TeamRole,
  invitedAt: Instant,
  expiresAt: nullable(Instant),
  emailSent: Type.Boolean(),
  inviteUrl,
  linkNotes,
});
export type Invite = Static<typeof Invite>;

export const TenantParams = object({ id: Type.String({ description: 'Id of the team, `platform` or `tnt_<uuid>`.' }) });
export const Tenant = object({
  id: Type.String(),
  name: Type.String(),
  plan: Type.String(),
  createdAt: Instant,
  members: Type.Integer(),
  apps: Type.Integer(),
  quotas: Quotas,
});
export type Tenant = Static<typeof Tenant>;
const Plan = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,39}$', description: 'A name. Limits come from the quotas.' });
export const CreateTenantBody = object({
  name: TeamName,
  plan: Type.Optional(Plan),
  quotas: Type.Optional(SomeQuotas),
  ownerEmail: Type.Optional(
    Type.String({ minLength: 3, maxLength: 200, description: 'This address is invited as the owner.' }),
  ),
});
export type CreateTenantBody = Static<typeof CreateTenantBody>;
export const CreatedTenant = object({ tenant: Tenant, invite: nullable(Invite) });
export const UpdateTenantBody = object({
  name: Type.Optional(TeamName),
  plan: Type.Optional(Plan),
  quotas: Type.Optional(SomeQuotas),
});
export type UpdateTenantBody = Static<typeof UpdateTenantBody>;
export const DeletedTenant = object({ id: Type.String(), deleted: Type.Literal(true) });

export const User = object({
  id: Type.String(),
  email: nullable(Type.String()),
  emailProven: Type.Boolean({ description: 'The address was confirmed by mail or by an operator.' }),
  pendingEmail: nullable(Type.String({ description: 'New address that is not confirmed yet.' })),
  formerEmail: nullable(Type.String({ description: 'Unconfirmed address that went to another account.' })),
  name: nullable(Type.String()),
  isSuperadmin: Type.Boolean(),
  status: oneOf(['active', 'pending']),
  twoFactorEnabled: Type.Boolean(),
  teams: Type.Array(object({ id: Type.String(), name: Type.String(), role: TeamRole, status: MemberStatus })),
  sessions: Type.Integer({ description: 'Active sessions.' }),
  lastSeen: nullable(Instant),
  createdAt: Instant,
});
export type User = Static<typeof User>;
export const UserQuery = object({
  q: Type.Optional(Type.String({ maxLength: 200, description: 'Part of the email address or name.' })),
  ...paging(500, 100),
});
export const UserParams = object({ id: Type.String() });
export const UpdateUserBody = object(
  {
    isSuperadmin: Type.Optional(Type.Boolean()),
    confirmEmail: Type.Optional(
      Type.String({ maxLength: 200, description: 'The address, or `pendingEmail`; marks it as confirmed.' }),
    ),
  },
  { minProperties: 1 },
);
export type UpdateUserBody = Static<typeof UpdateUserBody>;
export const SignInLink = object({
  url: Type.String({ description: 'Signs that person in once. Shown only in this answer.' }),
  expiresAt: Instant,
  linkNotes,
});
export const DeletedUser = object({ id: Type.String(), deleted: Type.Literal(true) });
