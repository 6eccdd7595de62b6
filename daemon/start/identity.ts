import type { AppService } from '#daemon/apps/registry/service.ts';
import { AccountService } from '#daemon/identity/auth/account.ts';
import { SessionTokens } from '#daemon/identity/auth/jwt.ts';
import { linkRepository } from '#daemon/identity/auth/link-repository.ts';
import { LinkSignIn } from '#daemon/identity/auth/link-sign-in.ts';
import { Links } from '#daemon/identity/auth/links.ts';
import { Passwords } from '#daemon/identity/auth/passwords.ts';
import { AuthService } from '#daemon/identity/auth/service.ts';
import { sessionRepository } from '#daemon/identity/auth/session-repository.ts';
import type { SessionSecret } from '#daemon/identity/auth/session-secret.ts';
import { SessionStore } from '#daemon/identity/auth/sessions.ts';
import { TwoFactor } from '#daemon/identity/auth/totp.ts';
import { type TenantStore, tenantStore } from '#daemon/identity/people/tenant-store.ts';
import { type UserStore, userStore } from '#daemon/identity/people/user-store.ts';
import { RateLimits } from '#daemon/identity/security/rate-limits.ts';
import { securityRepository } from '#daemon/identity/security/repository.ts';
import { AddressGuard } from '#daemon/identity/security/service.ts';
import { Directory } from '#daemon/identity/teams/directory.ts';
import { MediaQuotas } from '#daemon/identity/teams/media-quotas.ts';
import { QuotaService } from '#daemon/identity/teams/quotas.ts';
import { TeamService } from '#daemon/identity/teams/service.ts';
import { UsageService } from '#daemon/identity/teams/usage.ts';
import { streamRepository } from '#daemon/media/streams/repository.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import { metaStore } from '#daemon/platform/db/meta.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import type { Log } from '#daemon/platform/log.ts';
import { Mailer } from '#daemon/platform/mail/mailer.ts';
import { publicBase, type Settings } from '#daemon/platform/settings.ts';

export interface IdentityDeps {
  settings: Settings;
  secret: SessionSecret;
  db: Db;
  databases: AppDatabases;
  events: EventBus;
  apps: () => AppService;
  /** Where the daemon listens, once it does; for links that are passed on by hand. */
  ownUrl(): string;
  log: Log;
}

/** Wires users, teams, sessions and access rules. */
export interface Identity {
  users: UserStore;
  tenants: TenantStore;
  sessions: SessionStore;
  auth: AuthService;
  linkSignIn: LinkSignIn;
  account: AccountService;
  twoFactor: TwoFactor;
  mailer: Mailer;
  teams: TeamService;
  directory: Directory;
  quotas: QuotaService;
  usage: UsageService;
  mediaQuotas: MediaQuotas;
  guard: AddressGuard;
  limits: RateLimits;
  start(): void;
  stop(): Promise<void>;
}

export function createIdentity(deps: IdentityDeps): Identity {
  const { settings, secret, db, events, log } = deps;
  const users = userStore(db);
  const tenants = tenantStore(db);
  const passwords = new Passwords();
  const links = new Links(linkRepository(db));
  const limits = new RateLimits({
    signIn: { points: settings.authRateLimitMax, seconds: settings.authRateLimitWindowMs / 1000 },
  });
  const sessions = new SessionStore({
    sessions: sessionRepository(db),
    users,
    tokens: new SessionTokens(secret.signingKey()),
    events,
  });
  const twoFactor = new TwoFactor({ users, key: secret.derive('two-factor'), limits, log });
  const linkBase = (): string => settings.appUrl || publicBase(settings) || deps.ownUrl();
  const mailer = new Mailer({
    host: settings.smtpHost,
    port: settings.smtpPort,
    user: settings.smtpUser,
    pass: settings.smtpPass,
    from: settings.smtpFrom,
    linkBase: settings.appUrl || publicBase(settings) || '',
  });
  const shared = { users, tenants, sessions, links, passwords, twoFactor };
  const auth = new AuthService({ ...shared, meta: metaStore(db), settings });
  const linkSignIn = new LinkSignIn({ ...shared, limits, mailer, superadminEmail: settings.superadminEmail, log });
  const account = new AccountService(shared);
  const countApps = (tenantId: string): number => deps.apps().registry.countOf(tenantId);
  const quotas = new QuotaService({ tenants, countApps, mode: settings.authzEnforce, log });
  const usage = new UsageService({
    appsOf: (tenantId) => deps.apps().registry.list(tenantId),
    database: (app) => deps.databases.get(app),
    streams: (app) => streamRepository(deps.databases.get(app)),
    quotas,
    log,
  });
  events.subscribe(({ type, tenant }) => {
    if (tenant !== undefined && /^(?:vod|recording)\./.test(type)) usage.forget(tenant);
  });
  const mediaQuotas = new MediaQuotas({ quotas, usage });
  const teams = new TeamService({ users, tenants, sessions, links, mailer, usage, events, linkBase, log });
  const directory = new Directory({
    users,
    tenants,
    sessions,
    links,
    teams,
    quotas,
    countApps,
    linkBase,
    hasBreakGlass: () => auth.hasBreakGlass,
  });
  const guard = new AddressGuard({
    repository: securityRepository(db),
    options: {
      mode: settings.ipAccessMode,
      allowlistOnly: settings.ipAllowlistOnly,
      autoban: {
        enabled: settings.autobanEnabled,
        maxOffenses: settings.autobanMaxOffenses,
        windowSeconds: settings.autobanWindowSeconds,
        baseTtlSeconds: settings.autobanBaseTtlSeconds,
      },
    },
    log,
  });
  return {
    users,
    tenants,
    sessions,
    auth,
    linkSignIn,
    account,
    twoFactor,
    mailer,
    teams,
    directory,
    quotas,
    usage,
    mediaQuotas,
    guard,
    limits,
    start() {
      if (secret.isShort)
        log.warn({}, 'STREAMHUB_JWT_SECRET has fewer than 32 characters; sessions can be forged by guessing it');
      links.start();
      auth.start();
      sessions.start();
      guard.start();
    },
    async stop() {
      guard.stop();
      sessions.stop();
      await auth.stop();
      await mailer.close();
    },
  };
}
