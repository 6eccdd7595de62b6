import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { clientAddress } from '#daemon/platform/http/client-address.ts';
import { route } from '#daemon/platform/http/route.ts';
import type { SessionCookie } from '#daemon/platform/http/session-cookie.ts';
import type { AuditNote } from '#daemon/platform/http/types.ts';
import type { Mailer } from '#daemon/platform/mail/mailer.ts';
import type { Principal } from '#daemon/platform/principal.ts';
import type { Settings } from '#daemon/platform/settings.ts';
import { permissionsHeld } from '#shared/access.ts';
import * as ops from '#shared/contract/auth.ts';
import { ApiError } from '#shared/errors.ts';
import type { AuthContext, CookieChoice } from '#shared/schema/auth.ts';
import { ok } from '#shared/schema/common.ts';
import type { UserStore } from '../people/user-store.ts';
import type { AccountService } from './account.ts';
import type { EmailProof } from './email-proof.ts';
import type { LinkSignIn } from './link-sign-in.ts';
import { primaryMembership } from './principals.ts';
import type { AuthService, SignedIn } from './service.ts';
import type { OpenedSession, SessionStore, SignInFrom } from './sessions.ts';
import type { TwoFactor } from './totp.ts';

/** The same whether or not the address is known, and whether or not mail is set up. */
const LINK_NOTICE = 'If an account has this address and mail is set up, a sign-in link is on its way.';

interface AuthRoutesServices {
  auth: AuthService;
  linkSignIn: LinkSignIn;
  account: AccountService;
  twoFactor: TwoFactor;
  emailProof: EmailProof;
  sessions: SessionStore;
  users: UserStore;
  mailer: Mailer;
  settings: Settings;
  sessionCookie: SessionCookie;
}

export function authRoutes(app: FastifyInstance, services: AuthRoutesServices): void {
  signInRoutes(app, services);
  sessionRoutes(app, services);
  accountRoutes(app, services);
}

function signInRoutes(
  app: FastifyInstance,
  { auth, linkSignIn, account, mailer, settings, users, sessions, sessionCookie }: AuthRoutesServices,
): void {
  /** Where a sign-in comes from. A cookie is given to the daemon's own pages only, or others could sign a browser in. */
  const from = (request: FastifyRequest, body: { cookie?: CookieChoice }): SignInFrom => {
    if (body.cookie !== undefined) sessionCookie.requireSameOrigin(request);
    return { ...clientOf(request), cookie: body.cookie };
  };
  /** Names the person in the audit entry, whose request had no credential. */
  const noteOf = ({ user }: SignedIn, request: FastifyRequest, more: AuditNote = {}): AuditNote => ({
    target: user.email ?? user.id,
    tenant: user.is_superadmin === 1 ? 'platform' : (primaryMembership(users.memberships(user.id))?.tenant_id ?? null),
    actor: {
      id: user.id,
      ip: clientAddress(request),
      requestId: request.id,
      ...(user.email ? { label: user.email } : {}),
    },
    after: null,
    ...more,
  });

  route(app, ops.getAuthConfig, () => ({
    data: {
      allowSignup: settings.allowSignup,
      setupRequired: auth.setupRequired,
      magicLink: mailer.canSendLinks,
      sessionDays: settings.sessionDays,
      sessionMaxDays: settings.sessionMaxDays,
    },
  }));
  route(app, ops.login, async ({ body, request, reply, audit }) => {
    audit({ target: auth.nameFor(body.user) ?? '(unknown)', after: null });
    const signedIn = await auth.login(body, from(request, body));
    audit(noteOf(signedIn, request));
    return { data: hand(signedIn.session, sessionCookie, sessions, request, reply) };
  });
  route(app, ops.signup, async ({ body, request, reply, audit }) => {
    const signedIn = await auth.signup(body, from(request, body));
    audit(noteOf(signedIn, request, { after: { email: signedIn.user.email, teamName: body.teamName } }));
    return { data: hand(signedIn.session, sessionCookie, sessions, request, reply) };
  });
  route(app, ops.setup, async ({ body, request, reply, audit }) => {
    const signedIn = await auth.setup(body, from(request, body));
    audit(noteOf(signedIn, request, { after: { email: signedIn.user.email } }));
    return { data: hand(signedIn.session, sessionCookie, sessions, request, reply) };
  });
  route(app, ops.sendMagicLink, async ({ body, request, audit }) => {
    audit({ target: auth.nameFor(body.email) ?? '(unknown)', after: null });
    await linkSignIn.sendMagicLink(body.email, clientAddress(request));
    return { data: { message: LINK_NOTICE } };
  });
  route(app, ops.verifyMagicLink, async ({ body, request, reply, audit }) => {
    const signedIn = await linkSignIn.verifyMagicLink(body, from(request, body));
    audit(noteOf(signedIn, request));
    return { data: hand(signedIn.session, sessionCookie, sessions, request, reply) };
  });
  route(app, ops.previewInvite, ({ body }) => ({ data: linkSignIn.previewInvite(body.token) }));
  route(app, ops.acceptInvite, async ({ body, request, reply, audit }) => {
    const signedIn = await linkSignIn.acceptInvite(body, from(request, body));
    audit(noteOf(signedIn, request));
    return { data: hand(signedIn.session, sessionCookie, sessions, request, reply) };
  });
  route(app, ops.whoAmI, ({ principal }) => ({ data: contextOf(principal, account.names(principal)) }));
}

/** Gives a browser its cookie and ends the session of the one that it had; gives a program its token. */
function hand(
  { secret, isCookie, cookieSeconds, expiresAt }: OpenedSession,
  cookie: SessionCookie,
  sessions: SessionStore,
  request: FastifyRequest,
  reply: FastifyReply,
): { token?: string; expiresAt: string } {
  if (!isCookie) return { token: secret, expiresAt };
  sessions.endCookie(cookie.read(request) ?? '');
  cookie.give(request, reply, secret, cookieSeconds);
  return { expiresAt };
}

function sessionRoutes(app: FastifyInstance, { sessions, sessionCookie, users }: AuthRoutesServices): void {
  route(app, ops.openBrowserSession, ({ principal, body, request, reply, audit }) => {
    if (request.credential?.kind !== 'bearer') throw new ApiError('BEARER_NEEDED');
    sessionCookie.requireSameOrigin(request);
    const opened = sessions.openFor(principal, { ...clientOf(request), cookie: body.keep ? 'keep' : 'session' });
    audit({ target: principal.label ?? principal.email ?? principal.userId, after: null });
    return { data: hand(opened, sessionCookie, sessions, request, reply) };
  });
  route(app, ops.signOut, ({ request, reply, audit }) => {
    const value = sessionCookie.read(request);
    if (value !== undefined) sessionCookie.requireSameOrigin(request);
    const ended = sessions.endCookie(value ?? '');
    sessionCookie.take(request, reply);
    const label = ended === undefined ? undefined : (users.byId(ended.userId)?.email ?? undefined);
    const actor = { id: ended?.userId ?? 'anonymous', ip: clientAddress(request), requestId: request.id };
    audit({ target: ended?.id ?? '(none)', actor: { ...actor, ...(label === undefined ? {} : { label }) } });
    return ok({ revoked: ended === undefined ? 0 : 1 });
  });
  route(app, ops.listSessions, ({ principal }) => ok(sessions.list(principal.userId, principal.sessionId)));
  route(app, ops.revokeSession, ({ params, principal, request, reply, audit }) => {
    const id = params.id === 'current' ? (principal.sessionId ?? '') : params.id;
    if (!sessions.revoke(principal.userId, id)) throw new ApiError('SESSION_NOT_FOUND');
    const current = id === principal.sessionId;
    if (current && request.credential?.kind === 'cookie') sessionCookie.take(request, reply);
    audit({ target: id });
    return ok({ revoked: true as const, current });
  });
  route(app, ops.revokeOtherSessions, ({ principal, audit }) => {
    const revoked = sessions.revokeAll(principal.userId, principal.sessionId);
    audit({ target: principal.userId, after: { revoked } });
    return ok({ revoked });
  });
}

function accountRoutes(app: FastifyInstance, { account, emailProof, twoFactor }: AuthRoutesServices): void {
  route(app, ops.getAccount, ({ principal }) => ok(account.get(principal)));
  route(app, ops.updateAccount, ({ principal, body, audit }) => {
    const { before, after } = account.update(principal, body);
    audit({ target: principal.userId, before, after });
    return ok(account.get(principal));
  });
  route(app, ops.confirmEmail, ({ principal, body, audit }) => {
    const before = account.get(principal).user.email;
    emailProof.confirm(principal, body.token);
    const after = account.get(principal);
    audit({ target: principal.userId, before: { email: before }, after: { email: after.user.email } });
    return ok(after);
  });
  route(app, ops.undoEmail, ({ body, audit, request }) => {
    const from = { ip: clientAddress(request), requestId: request.id };
    const { actor, before, email } = emailProof.undo(body.token, from);
    audit({ target: actor.id, actor, before: { email: before }, after: { email } });
    return { data: { email } };
  });
  route(app, ops.changePassword, async ({ principal, body, request, audit }) => {
    const sessionsEnded = await account.changePassword(principal, body, clientAddress(request));
    audit({ target: principal.userId, after: { sessionsEnded } });
    return ok({ ok: true as const });
  });
  route(app, ops.setupTotp, async ({ principal, audit }) => {
    audit({ target: principal.userId });
    return ok(await twoFactor.setup(account.twoFactorUser(principal)));
  });
  route(app, ops.enableTotp, async ({ principal, body, request, audit }) => {
    audit({ target: principal.userId, after: { enabled: true } });
    const recoveryCodes = await twoFactor.enable(account.twoFactorUser(principal), body.code, clientAddress(request));
    return ok({ enabled: true as const, recoveryCodes });
  });
  route(app, ops.disableTotp, async ({ principal, body, request, audit }) => {
    audit({ target: principal.userId, after: { enabled: false } });
    await twoFactor.disable(account.twoFactorUser(principal), body.code, clientAddress(request));
    return ok({ enabled: false as const });
  });
  route(app, ops.renewRecoveryCodes, async ({ principal, body, request, audit }) => {
    audit({ target: principal.userId, after: null });
    const user = account.twoFactorUser(principal);
    return ok({ recoveryCodes: await twoFactor.renewRecoveryCodes(user, body.code, clientAddress(request)) });
  });
}

const clientOf = (request: FastifyRequest): SignInFrom => ({
  ip: clientAddress(request),
  userAgent: request.headers['user-agent'],
});

function contextOf(principal: Principal, names: { name: string | null; tenantName: string | null }): AuthContext {
  const { userId, tenantId, role, isSuperadmin, scope, via, email, appId, readOnly, limitedTo } = principal;
  return {
    userId,
    tenantId,
    tenantName: names.tenantName,
    role,
    isSuperadmin,
    scope,
    via,
    ...(email === undefined ? {} : { email }),
    ...(names.name === null ? {} : { name: names.name }),
    ...(appId === undefined ? {} : { appId }),
    ...(readOnly ? { readOnly } : {}),
    ...(limitedTo === undefined ? {} : { limitedTo: [...limitedTo] }),
    permissions: permissionsHeld(principal),
  };
}
