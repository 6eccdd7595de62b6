import { type Static, Type } from 'typebox';
import { SESSION_HOURS } from '../browser-session.ts';
import { SHORTEST_LINK_TOKEN } from '../limits.ts';
import { GivenName, Instant, nullable, object, oneOf } from './common.ts';

export const Email = Type.String({
  minLength: 3,
  maxLength: 200,
  description: 'Email address, case-insensitive.',
});
const NewPassword = Type.String({ minLength: 8, maxLength: 200, description: 'At least 8 characters.' });
/** A code of the authenticator app, or one of the recovery codes. */
const LoginCode = Type.String({
  maxLength: 10,
  description: 'Six digits from the authenticator app, or a recovery code.',
  examples: ['123456'],
});
const TotpCode = Type.String({ pattern: '^[0-9]{6}$', description: 'Six digits from the authenticator app.' });
const LinkToken = Type.String({
  minLength: SHORTEST_LINK_TOKEN,
  maxLength: 512,
  description: 'The part of the link after `#`.',
});

/** Who asks and what they may do. */
export const AuthContext = object({
  userId: Type.String({ description: '`token:<id>`, `admin` or `usr_<uuid>`.' }),
  tenantId: nullable(Type.String({ description: 'The team that the request acts for.' })),
  tenantName: nullable(Type.String()),
  role: nullable(oneOf(['owner', 'editor', 'viewer', 'service', 'superadmin'])),
  isSuperadmin: Type.Boolean(),
  scope: oneOf(['global', 'app', 'user']),
  via: oneOf(['api_token', 'admin_jwt', 'user_jwt']),
  email: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
  appId: Type.Optional(Type.Integer({ description: 'The app of an app token.' })),
  readOnly: Type.Optional(Type.Boolean({ description: 'A token that changes nothing.' })),
  limitedTo: Type.Optional(Type.Array(Type.String(), { description: 'The only permissions of a limited token.' })),
  permissions: Type.Array(Type.String(), { description: 'Every `resource:action` permission of the caller.' }),
});
export type AuthContext = Static<typeof AuthContext>;

/** How a browser stays signed in. */
export const CookieChoice = oneOf(['session', 'keep']);
export type CookieChoice = Static<typeof CookieChoice>;
/** What every way to sign in takes besides its own fields. */
const SIGN_IN = {
  cookie: Type.Optional(
    oneOf(['session', 'keep'], {
      description:
        'For browsers: the answer sets a cookie and has no token. `session` ends with the browser, `keep` stays for the days that `GET /auth/config` names.',
    }),
  ),
};

export const AuthConfig = object({
  allowSignup: Type.Boolean({ description: 'Anyone may create an account.' }),
  setupRequired: Type.Boolean({
    description: 'Nobody can sign in with a password yet. The setup link creates the first account.',
  }),
  magicLink: Type.Boolean({ description: 'Sign-in links can be sent by email.' }),
  sessionDays: Type.Integer({
    description: 'Days for which a browser stays signed in after its last use, with `keep`.',
  }),
  sessionMaxDays: Type.Integer({ description: 'Days after which a browser signs in again, however often it is used.' }),
});
export type AuthConfig = Static<typeof AuthConfig>;

export const LoginBody = object({
  user: Type.String({
    minLength: 1,
    maxLength: 200,
    description: 'Email address, or the name of the break-glass admin.',
  }),
  password: Type.String({ minLength: 1, maxLength: 200 }),
  code: Type.Optional(LoginCode),
  ...SIGN_IN,
});
export type LoginBody = Static<typeof LoginBody>;

export const SignedIn = object({
  token: Type.Optional(
    Type.String({
      description: `Send it as a Bearer token; valid for ${SESSION_HOURS} hours. Absent if a cookie was asked for.`,
    }),
  ),
  expiresAt: Type.Optional(Instant),
});
export type SignedIn = Static<typeof SignedIn>;

export const BrowserSessionBody = object({
  keep: Type.Optional(
    Type.Boolean({ description: 'Stay signed in after the browser is closed. Only with an API token.' }),
  ),
});
export const BrowserSession = object({ expiresAt: Instant });

export const SetupBody = object({
  token: LinkToken,
  email: Email,
  password: NewPassword,
  name: Type.Optional(GivenName(120)),
  ...SIGN_IN,
});
export type SetupBody = Static<typeof SetupBody>;

export const SignupBody = object({
  email: Email,
  password: NewPassword,
  teamName: Type.Optional(Type.String({ maxLength: 200 })),
  ...SIGN_IN,
});
export type SignupBody = Static<typeof SignupBody>;

export const MagicLinkBody = object({ email: Type.String({ minLength: 3, maxLength: 200 }) });
export const MagicVerifyBody = object({
  token: LinkToken,
  code: Type.Optional(LoginCode),
  password: Type.Optional(
    Type.String({
      minLength: 8,
      maxLength: 200,
      description:
        'After `ACCOUNT_CHOICE_REQUIRED`: the password of the existing account; with `newAccount`, a password for the new one.',
    }),
  ),
  newAccount: Type.Optional(
    Type.Boolean({
      description:
        'After `ACCOUNT_CHOICE_REQUIRED`: the existing account isn’t yours, so make a new one. It gets the address. The other account keeps what it has, and still signs in with the address and its own password.',
    }),
  ),
  ...SIGN_IN,
});
export type MagicVerifyBody = Static<typeof MagicVerifyBody>;
export const Notice = object({ message: Type.String() });

export const InviteTokenBody = object({ token: LinkToken });
export const InvitePreview = object({
  email: Type.String(),
  team: Type.String(),
  role: oneOf(['owner', 'editor', 'viewer'], { title: 'TeamRole' }),
  hasAccount: Type.Boolean({
    description: 'True: accept with the password of the existing account. False: choose a password.',
  }),
  canReplace: Type.Boolean({
    description: 'True: that account never proved its address, so `newAccount` can accept without its password.',
  }),
  expiresAt: Instant,
});
export type InvitePreview = Static<typeof InvitePreview>;
export const AcceptInviteBody = object({
  token: LinkToken,
  password: NewPassword,
  name: Type.Optional(GivenName(120)),
  code: Type.Optional(LoginCode),
  newAccount: Type.Optional(
    Type.Boolean({
      description:
        'The existing account isn’t yours: make a new one, with `password`. It gets the address. The other account keeps what it has, and still signs in with the address and its own password.',
    }),
  ),
  ...SIGN_IN,
});
export type AcceptInviteBody = Static<typeof AcceptInviteBody>;

export const Session = object({
  id: Type.String(),
  ip: nullable(Type.String()),
  userAgent: nullable(Type.String()),
  createdAt: Instant,
  lastSeen: Instant,
  expiresAt: Instant,
  isBrowser: Type.Boolean({ description: 'A browser with a cookie; false = a program with a session token.' }),
  isKept: Type.Boolean({ description: 'The browser stays signed in after it is closed.' }),
  current: Type.Boolean({ description: 'The session of this request.' }),
});
export type Session = Static<typeof Session>;
export const SessionParams = object({ id: Type.String({ description: 'Id of the session, or `current`.' }) });
export const RevokedSession = object({ revoked: Type.Literal(true), current: Type.Boolean() });
export const RevokedSessions = object({ revoked: Type.Integer({ description: 'Number of sessions ended.' }) });

export const Account = object({
  user: object({
    id: Type.String(),
    email: nullable(Type.String()),
    pendingEmail: nullable(
      Type.String({ description: 'New address that is not confirmed yet; the current one stays valid until then.' }),
    ),
    formerEmail: nullable(
      Type.String({
        description: 'Unconfirmed address that went to another account; you still sign in with it and your password.',
      }),
    ),
    name: nullable(Type.String()),
    isSuperadmin: Type.Boolean(),
    hasPassword: Type.Boolean(),
    twoFactorEnabled: Type.Boolean(),
    recoveryCodesLeft: Type.Integer(),
    isBreakGlass: Type.Boolean({ description: 'Set by ADMIN_USER and ADMIN_PASS; can’t be changed here.' }),
    status: oneOf(['active', 'pending'], { title: 'UserStatus' }),
    createdAt: Instant,
  }),
  tenant: nullable(
    object({
      id: Type.String(),
      name: Type.String(),
      plan: Type.String(),
      role: nullable(oneOf(['owner', 'editor', 'viewer'])),
    }),
  ),
});
export type Account = Static<typeof Account>;
export const UpdateAccountBody = object({
  name: Type.Optional(GivenName(120, { description: 'An empty text removes it.' })),
  email: Type.Optional(Email),
});
export type UpdateAccountBody = Static<typeof UpdateAccountBody>;
export const ChangePasswordBody = object({
  currentPassword: Type.Optional(
    Type.String({ maxLength: 200, description: 'Optional only while the account has no password.' }),
  ),
  newPassword: NewPassword,
});
export type ChangePasswordBody = Static<typeof ChangePasswordBody>;
export const Done = object({ ok: Type.Literal(true) });

export const EmailProofBody = object({ token: LinkToken });

export const TotpSetup = object({
  secret: Type.String({ description: 'Base32, for typing in without a camera.' }),
  otpauthUri: Type.String(),
  qrDataUri: Type.String({ description: 'The same secret as a QR code.' }),
});
export const TotpCodeBody = object({ code: TotpCode });
export const TotpEnabled = object({
  enabled: Type.Literal(true),
  recoveryCodes: Type.Array(Type.String(), {
    description: 'Each code replaces an authenticator code once. Shown only in this answer.',
  }),
});
export const TotpDisabled = object({ enabled: Type.Literal(false) });
export const RecoveryCodes = object({ recoveryCodes: Type.Array(Type.String()) });
