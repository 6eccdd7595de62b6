import { type Static, Type } from 'typebox';
import { PERMISSIONS } from '../permissions.ts';
import { GivenName, Instant, nullable, object, oneOf, RowId } from './common.ts';

const TokenScope = oneOf(['global', 'app'], {
  title: 'TokenScope',
  description: '`global` applies to everything, `app` to one app only.',
});

const TokenPermission = oneOf(PERMISSIONS, { title: 'Permission' });

/** An API token as it is listed; neither its text nor its hash is ever answered. */
export const TokenRecord = object(
  {
    id: Type.Integer(),
    name: Type.String(),
    scope: TokenScope,
    appId: nullable(Type.Integer()),
    allowedIps: Type.Array(Type.String(), {
      description: 'Addresses and CIDR ranges that may use it; empty: any.',
    }),
    readOnly: Type.Boolean({ description: 'It reads and changes nothing.' }),
    permissions: nullable(Type.Array(TokenPermission), {
      description: 'Its only permissions; null: all of its scope.',
    }),
    expiresAt: nullable(Instant, { description: 'From then on it is refused; null: never.' }),
    lastUsedAt: nullable(Instant),
    lastUsedIp: nullable(Type.String({ description: 'Address that used it last.' })),
    createdAt: Instant,
    revoked: Type.Boolean(),
  },
  { title: 'Token' },
);
export type TokenRecord = Static<typeof TokenRecord>;

export const CreateTokenBody = object({
  name: GivenName(100, { minLength: 1, description: 'What the token is for.', examples: ['ci'] }),
  scope: TokenScope,
  appId: Type.Optional(RowId({ description: 'Required with scope `app`, rejected with `global`.' })),
  allowedIps: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
      maxItems: 64,
      description: 'IPv4 and IPv6 addresses or CIDR ranges; empty or absent: any.',
      examples: [['203.0.113.7', '2001:db8::/32']],
    }),
  ),
  expiresAt: Type.Optional(
    Type.String({
      maxLength: 40,
      description: 'Time from which it is refused; a date means its end in UTC. Absent: never.',
    }),
  ),
  readOnly: Type.Optional(
    Type.Boolean({ description: 'It may read, and change nothing. Secrets that can be copied stay hidden.' }),
  ),
  permissions: Type.Optional(
    Type.Array(TokenPermission, {
      minItems: 1,
      maxItems: PERMISSIONS.length,
      uniqueItems: true,
      description: 'The only permissions that it gets; absent: all of its scope. Not together with `readOnly`.',
      examples: [['vod:read', 'stream:write']],
    }),
  ),
});
export type CreateTokenBody = Static<typeof CreateTokenBody>;

export const CreatedToken = object({
  id: Type.Integer(),
  token: Type.String({ description: 'The token. Shown only in this answer.', examples: ['sk_…'] }),
});

export const TokenParams = object({ id: RowId({ description: 'Id of the token.' }) });
