import type { AppRegistry } from '#daemon/apps/registry/registry.ts';
import { auditRepository } from '#daemon/identity/audit/repository.ts';
import { AuditTrail } from '#daemon/identity/audit/service.ts';
import { AccountService } from '#daemon/identity/auth/account.ts';
import { AccountAttempts } from '#daemon/identity/auth/attempts.ts';
import { EmailProof } from '#daemon/identity/auth/email-proof.ts';
import { SessionTokens } from '#daemon/identity/auth/jwt.ts';
import { linkRepository } from '#daemon/identity/auth/link-repository.ts';
import { LinkSignIn } from '#daemon/identity/auth/link-sign-in.ts';
import { Links } from '#daemon/identity/auth/links.ts';
import { type Cost, Passwords } from '#daemon/identity/auth/passwords.ts';
import { AuthService } from '#daemon/identity/auth/service.ts';
import { sessionRepository } from '#daemon/identity/auth/session-repository.ts';
import { SessionSecret } from '#daemon/identity/auth/session-secret.ts';
import { SessionStore } from '#daemon/identity/auth/sessions.ts';
import { TwoFactor } from '#daemon/identity/auth/totp.ts';
import { tenantStore } from '#daemon/identity/people/tenant-store.ts';
import { userStore } from '#daemon/identity/people/user-store.ts';
import { RateLimits } from '#daemon/identity/security/rate-limits.ts';
import { securityRepository } from '#daemon/identity/security/repository.ts';
import { AddressGuard, addressOptions } from '#daemon/identity/security/service.ts';
import { Directory } from '#daemon/identity/teams/directory.ts';
import { MediaQuotas } from '#daemon/identity/teams/media-quotas.ts';
import { QuotaService } from '#daemon/identity/teams/quotas.ts';
import { TeamService } from '#daemon/identity/teams/service.ts';
import { UsageService } from '#daemon/identity/teams/usage.ts';
import { tokenRepository } from '#daemon/identity/tokens/repository.ts';
import { TokenService } from '#daemon/identity/tokens/service.ts';
import { installationId, metaStore } from '#daemon/platform/db/meta.ts';
import { idempotencyRepository } from '#daemon/platform/http/idempotency/repository.ts';
import { Idempotency } from '#daemon/platform/http/idempotency/service.ts';
import { SessionCookie } from '#daemon/platform/http/session-cookie.ts';
import { MAIL_SETTINGS, Mailer } from '#daemon/platform/mail/mailer.ts';
import { publicBase } from '#daemon/platform/settings.ts';
import type { Platform } from './platform.ts';

export type Identity = ReturnType<typeof createIdentity>;

/** Creates the wing of users, teams, sessions, API tokens and access rules. */
export function createIdentity(
  {
    settings,
    dir,
    db,
    quickDb,
    databases,
    events,
    background,
    clockWatch,
    resolvers,
    publicUrl,
    log: rootLog,
  }: Platform,
  apps: AppRegistry,
  passwordCost?: Cost,
) {
  const log = rootLog.child({ source: 'auth' });
  const { retentionNow } = clockWatch;
  const secret = new SessionSecret(settings.jwtSecret, dir.data);
  const tokens = new TokenService({
    repository: tokenRepository(db),
    appById: (id) => apps.byId(id),
    events,
    background,
  });
  const users = userStore(db);
  const tenants = tenantStore(db);
  const passwords = new Passwords(passwordCost);
  const links = new Links(linkRepository(db), clockWatch.clock);
  clockWatch.onJump((ms) => links.shift(ms));
  const limits = new RateLimits({
    get signIn() {
      return { points: settings.authRateLimitMax, seconds: settings.authRateLimitWindowMs / 1000 };
    },
  });
  settings.onChange(['authRateLimitMax', 'authRateLimitWindowMs'], () => limits.restart());
  const sessionRows = sessionRepository(db);
  const attempts = new AccountAttempts({ limits, sessions: sessionRows });
  const sessions = new SessionStore({
    sessions: sessionRows,
    users,
    tokens: new SessionTokens(secret.signingKey()),
    tokenPrincipal: (id, ip) => tokens.principal(id, ip),
    keptMs: () => settings.sessionDays * 86_400_000,
    longestMs: () => settings.sessionMaxDays * 86_400_000,
    events,
    background,
    retentionNow,
    onJump: (listener) => clockWatch.onJump(listener),
  });
  resolvers.push(tokens, sessions);
  const meta = metaStore(db);
  const sessionCookie = new SessionCookie(installationId(meta), publicBase(settings));
  settings.onChange(['publicBaseUrl'], () => sessionCookie.publishAt(publicBase(settings)));
  const twoFactor = new TwoFactor({ users, key: secret.derive('two-factor'), attempts, log });
  const linkBase = (): string => settings.appUrl || publicUrl();
  const mailer = new Mailer(settings);
  settings.onChange(MAIL_SETTINGS, () => background.run('mail server', () => mailer.close()));
  const shared = { users, tenants, sessions, links, passwords, twoFactor, attempts };
  const auth = new AuthService({ ...shared, background, meta, settings });
  const linkSignIn = new LinkSignIn({
    ...shared,
    background,
    limits,
    mailer,
    events,
    superadminEmail: settings.superadminEmail,
    log,
  });
  const emailProof = new EmailProof({ ...shared, limits, tokens, mailer, log });
  const account = new AccountService({ ...shared, emailProof });
  const countApps = (tenantId: string): number => apps.countOf(tenantId);
  const quotas = new QuotaService({ tenants, countApps, mode: settings.authzEnforce, log });
  const usage = new UsageService({
    appsOf: (tenantId) => apps.visible({ kind: 'team', tenantId }),
    database: (app) => databases.get(app),
    quotas,
    log,
  });
  const audit = new AuditTrail({
    repository: auditRepository(db),
    tenantOf: (name) => apps.get(name)?.tenantId,
    get retentionDays() {
      return settings.auditRetentionDays;
    },
    background,
    retentionNow,
    log: rootLog.child({ source: 'audit' }),
  });
  events.subscribe((event) => audit.hear(event));
  events.subscribe(({ type, tenant, data }) => {
    if (type === 'app.deleted') tokens.forgetApp(data.id);
    if (type === 'token.revoked') sessions.revokeAll(`token:${data.id}`);
    if (tenant !== undefined && /^(?:vod|recording)\./.test(type)) usage.forget(tenant);
  });
  const idempotency = new Idempotency({
    repository: idempotencyRepository(quickDb),
    secret: secret.derive('idempotent requests'),
    background,
    retentionNow,
    log: rootLog.child({ source: 'http' }),
  });
  const mediaQuotas = new MediaQuotas({ quotas, usage });
  const teams = new TeamService({ limits, users, tenants, sessions, links, mailer, usage, events, linkBase, log });
  const directory = new Directory({
    users,
    tenants,
    sessions,
    links,
    emailProof,
    teams,
    quotas,
    countApps,
    linkBase,
    hasBreakGlass: () => auth.hasBreakGlass,
  });
  const guard = new AddressGuard({
    repository: securityRepository(db),
    clock: clockWatch.clock,
    onJump: (listener) => clockWatch.onJump(listener),
    background,
    events,
    retentionNow,
    get options() {
      return addressOptions(settings);
    },
    log,
  });
  return {
    sessionSecret: secret,
    tokens,
    audit,
    users,
    tenants,
    sessions,
    sessionCookie,
    auth,
    linkSignIn,
    account,
    emailProof,
    twoFactor,
    mailer,
    teams,
    directory,
    quotas,
    usage,
    mediaQuotas,
    guard,
    limits,
    /** Answers to requests with an `Idempotency-Key`. */
    idempotency,
    start() {
      if (secret.isShort)
        log.warn({}, 'STREAMHUB_JWT_SECRET has fewer than 32 characters; anyone who guesses it can forge sessions');
      tokens.start();
      background.run('old links', () => links.start(retentionNow()));
      auth.start();
      sessions.start();
      idempotency.start();
      guard.start();
      audit.start();
    },
    async stop() {
      tokens.stop();
      guard.stop();
      sessions.stop();
      await idempotency.stop();
      await auth.stop();
      await mailer.close();
      audit.stop();
    },
  };
}
