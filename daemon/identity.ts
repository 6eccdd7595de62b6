import type { AppService } from './apps/service.ts';
import { AccountService } from './auth/account.ts';
import { SessionTokens } from './auth/jwt.ts';
import { linkRepository } from './auth/link-repository.ts';
import { LinkSignIn } from './auth/link-sign-in.ts';
import { Links } from './auth/links.ts';
import { Passwords } from './auth/passwords.ts';
import { AuthService } from './auth/service.ts';
import { sessionRepository } from './auth/session-repository.ts';
import type { SessionSecret } from './auth/session-secret.ts';
import { SessionStore } from './auth/sessions.ts';
import { TwoFactor } from './auth/totp.ts';
import type { AppDatabases } from './db/app-databases.ts';
import { metaStore } from './db/meta.ts';
import type { Db } from './db/open.ts';
import type { EventBus } from './events/bus.ts';
import { Mailer } from './mail/mailer.ts';
import { type TenantStore, tenantStore } from './people/tenant-store.ts';
import { type UserStore, userStore } from './people/user-store.ts';
import { RateLimits } from './security/rate-limits.ts';
import { securityRepository } from './security/repository.ts';
import { AddressGuard } from './security/service.ts';
import { publicBase, type Settings } from './settings.ts';
import { streamRepository } from './streams/repository.ts';
import { Directory } from './teams/directory.ts';
import { MediaQuotas } from './teams/media-quotas.ts';
import { QuotaService } from './teams/quotas.ts';
import { TeamService } from './teams/service.ts';
import { UsageService } from './teams/usage.ts';

export interface IdentityDeps {
  settings: Settings;
  secret: SessionSecret;
  db: Db;
  databases: AppDatabases;
  events: EventBus;
  apps: () => AppService;
  /** Where the daemon listens, once it does; for links that are passed on by hand. */
  ownUrl(): string;
  log: {
    info(data: object, message: string): void;
    warn(data: object, message: string): void;
    error(data: object, message: string): void;
  };
}

/** People, teams, sessions and the door: everything about who somebody is, wired together. */
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
