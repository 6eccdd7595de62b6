import { Type } from 'typebox';
import {
  AcceptInviteBody,
  Account,
  AuthConfig,
  AuthContext,
  BrowserSession,
  BrowserSessionBody,
  ChangePasswordBody,
  Done,
  EmailProofBody,
  InvitePreview,
  InviteTokenBody,
  LoginBody,
  MagicLinkBody,
  MagicVerifyBody,
  Notice,
  RecoveryCodes,
  RevokedSession,
  RevokedSessions,
  Session,
  SessionParams,
  SetupBody,
  SignedIn,
  SignupBody,
  TotpCodeBody,
  TotpDisabled,
  TotpEnabled,
  TotpSetup,
  UpdateAccountBody,
} from '../schema/auth.ts';
import { envelope, object } from '../schema/common.ts';
import { operation } from './operation.ts';

const tag = 'Sign-in';
const account = 'Account';

export const login = operation({
  id: 'login',
  method: 'POST',
  path: '/auth/login',
  tag,
  summary: 'Sign in with a password',
  description:
    'Returns 401 `totp_required` when the account uses two-factor sign-in and no code was sent, and 401 `totp_invalid` when the code is wrong.',
  access: 'public',
  limit: 'sign-in',
  body: LoginBody,
  responses: { 200: object({ data: SignedIn }) },
  errors: ['CROSS_SITE', 'BAD_LOGIN', 'TOTP_REQUIRED', 'TOTP_INVALID', 'OVERLOADED'],
  audit: 'auth.login',
});

export const signup = operation({
  id: 'signup',
  method: 'POST',
  path: '/auth/signup',
  tag,
  summary: 'Create an account and a team',
  description: 'Off unless STREAMHUB_ALLOW_SIGNUP is set; otherwise returns 403 `signup_disabled`.',
  access: 'public',
  limit: 'sign-up',
  body: SignupBody,
  responses: { 201: object({ data: SignedIn }) },
  errors: ['CROSS_SITE', 'SIGNUP_DISABLED', 'EMAIL_IN_USE', 'OVERLOADED'],
  audit: 'auth.signup',
});

export const setup = operation({
  id: 'setup',
  method: 'POST',
  path: '/auth/setup',
  tag,
  summary: 'Create the first account',
  description:
    'Takes the token of the setup link that the daemon prints at start while nobody can sign in. The token works once. The account becomes a superadmin.',
  access: 'public',
  limit: 'sign-up',
  body: SetupBody,
  unknownFields: 'refused',
  responses: { 201: object({ data: SignedIn }) },
  errors: ['CROSS_SITE', 'BAD_LINK', 'SETUP_DONE', 'EMAIL_IN_USE', 'OVERLOADED'],
  audit: 'auth.setup',
});

export const getAuthConfig = operation({
  id: 'getAuthConfig',
  method: 'GET',
  path: '/auth/config',
  tag,
  summary: 'List the ways to sign in',
  access: 'public',
  responses: { 200: object({ data: AuthConfig }) },
});

export const whoAmI = operation({
  id: 'whoAmI',
  method: 'GET',
  path: '/auth/me',
  tag,
  summary: 'Get the account or token of this request',
  access: 'bearer',
  isAboutCaller: true,
  responses: { 200: object({ data: AuthContext }) },
});

export const sendMagicLink = operation({
  id: 'sendMagicLink',
  method: 'POST',
  path: '/auth/magic-link',
  tag,
  summary: 'Send a sign-in link by email',
  description: 'The answer is the same whether or not the address has an account. One link per minute and address.',
  access: 'public',
  limit: 'sign-in',
  body: MagicLinkBody,
  responses: { 200: object({ data: Notice }) },
  errors: ['MAGIC_LINK_COOLDOWN'],
  audit: 'auth.magic-link',
});

export const verifyMagicLink = operation({
  id: 'verifyMagicLink',
  method: 'POST',
  path: '/auth/magic/verify',
  tag,
  summary: 'Sign in with a link',
  description:
    'Takes the token of an emailed sign-in link or invitation. A missing or wrong code or password doesn’t use the link up. A sign-in link confirms the address. If nobody confirmed it before and the account shares a team with others, you say whether it is yours. Its `password` keeps it, `newAccount` makes a separate one. Without either, the answer is `ACCOUNT_CHOICE_REQUIRED`. For other accounts both are ignored. Invitations work as in `POST /auth/invite/accept`.',
  access: 'public',
  limit: 'sign-in',
  body: MagicVerifyBody,
  responses: { 200: object({ data: SignedIn }) },
  errors: [
    'CROSS_SITE',
    'BAD_LINK',
    'ACCOUNT_CHOICE_REQUIRED',
    'BAD_LOGIN',
    'EMAIL_IN_USE',
    'TOTP_REQUIRED',
    'TOTP_INVALID',
    'OVERLOADED',
  ],
  audit: 'auth.magic-login',
});

export const previewInvite = operation({
  id: 'previewInvite',
  method: 'POST',
  path: '/auth/invite/preview',
  tag,
  summary: 'Read an invitation before accepting it',
  description: 'Doesn’t change anything.',
  access: 'public',
  limit: 'sign-up',
  body: InviteTokenBody,
  responses: { 200: object({ data: InvitePreview }) },
  errors: ['BAD_LINK'],
  audit: false,
});

export const acceptInvite = operation({
  id: 'acceptInvite',
  method: 'POST',
  path: '/auth/invite/accept',
  tag,
  summary: 'Accept an invitation',
  description:
    'A new user chooses a password. A user who already has an account sends its password (and code). If someone else made that account and never confirmed the address, `newAccount` makes a separate one. An emailed link, or one that an operator made, confirms the address. If an account with the unconfirmed address shares a team with others, it stays without the address, and the user gets a new account.',
  access: 'public',
  limit: 'sign-up',
  body: AcceptInviteBody,
  responses: { 200: object({ data: SignedIn }) },
  errors: ['CROSS_SITE', 'BAD_LINK', 'BAD_LOGIN', 'EMAIL_IN_USE', 'TOTP_REQUIRED', 'TOTP_INVALID', 'OVERLOADED'],
  audit: 'auth.accept-invite',
});

export const openBrowserSession = operation({
  id: 'openBrowserSession',
  method: 'POST',
  path: '/auth/browser-session',
  tag,
  summary: 'Sign a browser in with an API token',
  description:
    'Takes the credential as a Bearer token and sets a cookie in its place. The session ends when the API token does. A session token works too: it ends, and the cookie is good for the time that it had left.',
  access: 'bearer',
  isAboutCaller: true,
  body: BrowserSessionBody,
  unknownFields: 'ignored',
  bodyOptional: true,
  responses: { 201: object({ data: BrowserSession }) },
  errors: ['CROSS_SITE', 'BEARER_NEEDED'],
  audit: 'auth.browser-session',
});

export const signOut = operation({
  id: 'signOut',
  method: 'POST',
  path: '/auth/sign-out',
  tag,
  summary: 'Sign a browser out',
  description:
    'Ends the session of the browser’s cookie and makes the browser forget it. An API token that opened it stays valid. Programs use `DELETE /auth/sessions/current`.',
  access: 'public',
  responses: { 200: envelope(RevokedSessions) },
  errors: ['CROSS_SITE'],
  audit: 'auth.sign-out',
});

export const listSessions = operation({
  id: 'listSessions',
  method: 'GET',
  path: '/auth/sessions',
  tag,
  summary: 'List your active sessions, newest first',
  access: 'human',
  responses: { 200: envelope(Type.Array(Session)) },
});

export const revokeSession = operation({
  id: 'revokeSession',
  method: 'DELETE',
  path: '/auth/sessions/{id}',
  tag,
  summary: 'End one of your sessions',
  description: 'Takes effect with the next request. `current` signs you out.',
  access: 'human',
  params: SessionParams,
  responses: { 200: envelope(RevokedSession) },
  errors: ['SESSION_NOT_FOUND'],
  audit: 'session.revoke',
});

export const revokeOtherSessions = operation({
  id: 'revokeOtherSessions',
  method: 'DELETE',
  path: '/auth/sessions',
  tag,
  summary: 'End all your other sessions',
  access: 'human',
  responses: { 200: envelope(RevokedSessions) },
  audit: 'session.revoke-others',
});

export const getAccount = operation({
  id: 'getAccount',
  method: 'GET',
  path: '/account',
  tag: account,
  summary: 'Get your account',
  access: 'human',
  responses: { 200: envelope(Account) },
});

export const updateAccount = operation({
  id: 'updateAccount',
  method: 'PATCH',
  path: '/account',
  tag: account,
  summary: 'Change your name or e-mail address',
  description:
    'A new address stays in `pendingEmail` until it is confirmed: by the link sent to it, or by an operator if mail isn’t set up. Sending your current address cancels the change.',
  access: 'human',
  body: UpdateAccountBody,
  responses: { 200: envelope(Account) },
  errors: ['EMAIL_IN_USE', 'BREAK_GLASS_FIXED'],
  audit: 'account.update',
});

export const confirmEmail = operation({
  id: 'confirmEmail',
  method: 'POST',
  path: '/account/email/confirm',
  tag: account,
  summary: 'Confirm your new email address',
  description: 'Takes the token of the link sent to the new address. Sign in to the account first.',
  access: 'human',
  limit: 'password',
  body: EmailProofBody,
  responses: { 200: envelope(Account) },
  errors: ['BAD_LINK', 'EMAIL_IN_USE'],
  audit: 'account.email',
});

export const undoEmail = operation({
  id: 'undoEmail',
  method: 'POST',
  path: '/account/email/undo',
  tag: account,
  summary: 'Put back the email address that was changed',
  description:
    'Takes the token of the link that was sent to the previous address when it was changed; good for 7 days. The account gets that address back. Its sessions, password and sign-in links end, so sign in with a new link. A second factor and API tokens end too if they were set up since the start of the session that changed the address. An older second factor stays on.',
  access: 'public',
  limit: 'password',
  body: EmailProofBody,
  responses: { 200: object({ data: object({ email: Type.String() }) }) },
  errors: ['BAD_LINK', 'EMAIL_IN_USE'],
  audit: 'account.email-undo',
});

export const changePassword = operation({
  id: 'changePassword',
  method: 'POST',
  path: '/account/password',
  tag: account,
  summary: 'Change your password',
  description: 'Also ends all your other sessions.',
  access: 'human',
  limit: 'password',
  body: ChangePasswordBody,
  responses: { 200: envelope(Done) },
  errors: ['WRONG_PASSWORD', 'BREAK_GLASS_FIXED', 'FRESH_SESSION_REQUIRED', 'OVERLOADED'],
  audit: 'account.password',
});

export const setupTotp = operation({
  id: 'setupTotp',
  method: 'POST',
  path: '/account/2fa/setup',
  tag: account,
  summary: 'Start setting up two-factor sign-in',
  description: 'Two-factor sign-in is off until you confirm it with a code from the authenticator app.',
  access: 'human',
  responses: { 200: envelope(TotpSetup) },
  errors: ['TOTP_STATE', 'BREAK_GLASS_FIXED'],
  audit: 'account.2fa-setup',
});

export const enableTotp = operation({
  id: 'enableTotp',
  method: 'POST',
  path: '/account/2fa/enable',
  tag: account,
  summary: 'Turn two-factor sign-in on',
  access: 'human',
  limit: 'password',
  body: TotpCodeBody,
  responses: { 200: envelope(TotpEnabled) },
  errors: ['TOTP_WRONG_CODE', 'TOTP_STATE'],
  audit: 'account.2fa-enable',
});

export const disableTotp = operation({
  id: 'disableTotp',
  method: 'POST',
  path: '/account/2fa/disable',
  tag: account,
  summary: 'Turn two-factor sign-in off',
  access: 'human',
  limit: 'password',
  body: TotpCodeBody,
  responses: { 200: envelope(TotpDisabled) },
  errors: ['TOTP_WRONG_CODE', 'TOTP_STATE'],
  audit: 'account.2fa-disable',
});

export const renewRecoveryCodes = operation({
  id: 'renewRecoveryCodes',
  method: 'POST',
  path: '/account/2fa/recovery-codes',
  tag: account,
  summary: 'Create new recovery codes',
  description: 'The old ones stop working.',
  access: 'human',
  limit: 'password',
  body: TotpCodeBody,
  responses: { 200: envelope(RecoveryCodes) },
  errors: ['TOTP_WRONG_CODE', 'TOTP_STATE'],
  audit: 'account.2fa-recovery-codes',
});
