import { type Static, Type } from 'typebox';
import { Instant, nullable, object, oneOf, RowId } from './common.ts';

const Range = Type.String({
  minLength: 2,
  maxLength: 64,
  description: 'An IPv4 or IPv6 address or a CIDR range.',
  examples: ['203.0.113.0/24'],
});
const Address = Type.String({ minLength: 2, maxLength: 64, description: 'An IPv4 or IPv6 address.' });
const Note = Type.String({ maxLength: 200 });
const RuleAction = oneOf(['allow', 'block'], {
  title: 'RuleAction',
  description: 'Allow rules take precedence over block rules.',
});

export const IpRule = object({
  id: Type.Integer(),
  cidr: Type.String(),
  action: RuleAction,
  note: nullable(Type.String()),
  createdAt: Instant,
  createdBy: Type.String(),
  expiresAt: nullable(Instant),
});
export type IpRule = Static<typeof IpRule>;
export const CreateIpRuleBody = object({
  cidr: Range,
  action: RuleAction,
  note: Type.Optional(Note),
  expiresInSeconds: Type.Optional(Type.Integer({ minimum: 60, maximum: 31_536_000, description: 'Default: no end.' })),
  force: Type.Optional(Type.Boolean({ description: 'Block even if the rule includes the caller’s own address.' })),
});
export type CreateIpRuleBody = Static<typeof CreateIpRuleBody>;
export const RuleParams = object({ id: RowId() });

export const IpBan = object({
  id: Type.Integer(),
  ip: Type.String({ description: 'For IPv6 the /64 network of the address.' }),
  kind: oneOf(['auto', 'manual'], { title: 'BanKind' }),
  reason: nullable(Type.String()),
  offenses: Type.Integer({ description: 'Number of bans so far.' }),
  bannedAt: Instant,
  expiresAt: Instant,
  active: Type.Boolean(),
});
export type IpBan = Static<typeof IpBan>;
export const CreateIpBanBody = object({
  ip: Address,
  seconds: Type.Optional(
    Type.Integer({ minimum: 60, maximum: 604_800, default: 3600, description: 'At most 7 days.' }),
  ),
  reason: Type.Optional(Note),
  force: Type.Optional(Type.Boolean({ description: 'Ban even if it is the caller’s own address.' })),
});
export type CreateIpBanBody = Static<typeof CreateIpBanBody>;
export const BanParams = object({ id: RowId() });

export const SecurityStatus = object({
  ipAccess: object({
    mode: oneOf(['off', 'log', 'enforce']),
    allowlistOnly: Type.Boolean(),
    rules: Type.Integer(),
  }),
  autoban: object({
    enabled: Type.Boolean(),
    maxOffenses: Type.Integer(),
    windowSeconds: Type.Integer(),
    baseTtlSeconds: Type.Integer(),
    counts404: Type.Boolean(),
    activeBans: Type.Integer(),
  }),
  signIn: object({ maxAttempts: Type.Integer(), windowMs: Type.Integer() }),
  trustedProxies: Type.Array(Type.String()),
  yourAddress: Type.String({ description: 'Source address of this request, as the daemon sees it.' }),
  authzEnforce: oneOf(['off', 'log', 'on'], { title: 'AuthzMode' }),
});
export type SecurityStatus = Static<typeof SecurityStatus>;

export const AddressQuery = object({ ip: Address });
export const AddressVerdict = object({
  ip: Type.String(),
  isPrivate: Type.Boolean({ description: 'Loopback and private addresses are always allowed.' }),
  verdict: oneOf(['pass', 'blocked', 'banned'], { description: 'The result in mode `enforce`.' }),
  reason: Type.String(),
  rule: nullable(IpRule),
  ban: nullable(IpBan),
});
export type AddressVerdict = Static<typeof AddressVerdict>;
