import { type Static, Type } from 'typebox';
import { Instant, nullable, object, oneOf, RowId } from './common.ts';

const TokenScope = oneOf(['global', 'app'], {
  description: '`global` applies to everything, `app` to one app only.',
});

/** An API token as it is listed; neither its text nor its hash is ever answered. */
export const TokenRecord = object({
  id: Type.Integer(),
  name: Type.String(),
  scope: TokenScope,
  appId: nullable(Type.Integer()),
  allowedIps: Type.Array(Type.String(), {
    description: 'Addresses and CIDR ranges that may use it; empty: any.',
  }),
  lastUsedAt: nullable(Instant),
  createdAt: Instant,
  revoked: Type.Boolean(),
});
export type TokenRecord = Static<typeof TokenRecord>;

export const CreateTokenBody = object({
  name: Type.String({ minLength: 1, maxLength: 100, description: 'What the token is for.', examples: ['ci'] }),
  scope: TokenScope,
  appId: Type.Optional(RowId({ description: 'Required with scope `app`, rejected with `global`.' })),
  allowedIps: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
      maxItems: 64,
      description: 'IPv4 and IPv6 addresses or CIDR ranges; empty or absent: any.',
      examples: [['203.0.113.7', '2001:db8::/32']],
    }),
  ),
});
export type CreateTokenBody = Static<typeof CreateTokenBody>;

export const CreatedToken = object({
  id: Type.Integer(),
  token: Type.String({ description: 'The token. Shown only in this answer.', examples: ['sk_…'] }),
});

export const TokenParams = object({ id: RowId({ description: 'Id of the token.' }) });
