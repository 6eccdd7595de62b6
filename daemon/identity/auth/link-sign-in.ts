import type { Background } from '#daemon/platform/background.ts';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { Mailer } from '#daemon/platform/mail/mailer.ts';
import { magicLinkMail } from '#daemon/platform/mail/messages.ts';
import { PLATFORM } from '#daemon/platform/principal.ts';
import { ApiError } from '#shared/errors.ts';
import type { AcceptInviteBody, InvitePreview, MagicVerifyBody } from '#shared/schema/auth.ts';
import type { UserRow } from '../people/user-store.ts';
import type { RateLimits } from '../security/rate-limits.ts';
import type { Attempt } from './attempts.ts';
import { newUserId, normalEmail, same } from './identity.ts';
import { requireUser, unchangedUser } from './known-user.ts';
import type { LinkRow } from './link-repository.ts';
import { linkUrl } from './links.ts';
import { BREAK_GLASS } from './principals.ts';
import type { SignedIn } from './service.ts';
import type { SignInFrom } from './sessions.ts';
import type { SignInDeps } from './sign-in-deps.ts';
import { isUnproven, isUnprovenInTeam, proveAddress, replaceHolder } from './unproven-address.ts';

export interface LinkSignInDeps extends SignInDeps {
  limits: RateLimits;
  mailer: Mailer;
  events: EventBus;
  superadminEmail: string;
  background: Background;
  log: Log<'warn'>;
}

/** Ways in by a link: mailed for sign-in, made by an administrator, or an invitation. */
export class LinkSignIn {
  readonly #deps: LinkSignInDeps;

  constructor(deps: LinkSignInDeps) {
    this.#deps = deps;
  }

  /**
   * Mails a sign-in link if the address is one of ours. What is done for a known address happens after the answer, so
   * that neither its text nor its time tells whether the address is known.
   * @throws ApiError MAGIC_LINK_COOLDOWN
   */
  async sendMagicLink(text: string, ip: string): Promise<void> {
    const { limits, mailer } = this.#deps;
    const email = normalEmail(text);
    const cooldown = await limits.take('magic-cooldown', email);
    if (!cooldown.allowed) {
      throw new ApiError(
        'MAGIC_LINK_COOLDOWN',
        { seconds: cooldown.reset },
        { extra: { retryAfterSeconds: cooldown.reset }, headers: { 'retry-after': String(cooldown.reset) } },
      );
    }
    const [byEmail, byIp] = await Promise.all([limits.take('magic-email', email), limits.take('magic-ip', ip)]);
    if (!byEmail.allowed || !byIp.allowed || !mailer.canSendLinks) return;
    this.#deps.background.soon('sign-in links', () =>
      this.#mailLink(email).catch((error: Error) =>
        this.#deps.log.warn({ reason: error.message }, 'a sign-in link could not be mailed'),
      ),
    );
  }

  /**
   * Signs in with a link that was mailed, or that an administrator made. An unproven account that shares a team can be
   * the person's own or someone else's: its password shows that it is theirs, `newAccount` makes a separate one.
   * @throws ApiError ACCOUNT_CHOICE_REQUIRED
   */
  async verifyMagicLink(body: MagicVerifyBody, from: SignInFrom): Promise<SignedIn> {
    const { users, links, twoFactor } = this.#deps;
    const link = links.peek(body.token, 'login', 'invite');
    const user = this.#addressee(link);
    // an invitation handed over by its maker proves nothing about somebody who has an account
    if (link.kind === 'invite' && !link.mailed && user?.status === 'active') throw new ApiError('BAD_LINK');
    const isUnclear =
      link.kind === 'login' && user !== undefined && isFirstProof(user, link) && isUnprovenInTeam(this.#deps, user);
    if (isUnclear && body.newAccount)
      return this.#signIn(link, await this.#replaceHolder(link, user, body, from), from);
    if (isUnclear) {
      if (body.password === undefined) throw new ApiError('ACCOUNT_CHOICE_REQUIRED');
      await this.#checkPassword(user, body.password, { ip: from.ip, proven: true });
    }
    if (user !== undefined && (isUnclear || !isFirstProof(user, link)))
      await twoFactor.require(unchangedUser(users, user), body.code, from.ip);
    const id = users.transaction(() => {
      links.consume(link);
      if (isUnclear) users.update(user.id, { email_verified_at: new Date().toISOString() });
      return this.#arrive(link, user?.id ?? this.#makeUser(link));
    });
    this.#deps.sessions.refresh(id);
    return this.#signIn(link, requireUser(this.#deps.users, id), from);
  }

  /** What an invitation is for; changes nothing. */
  previewInvite(token: string): InvitePreview {
    const link = this.#deps.links.peek(token, 'invite');
    const { user, team, role } = this.#invitation(link);
    return {
      email: user.email ?? '',
      team,
      role,
      hasAccount: needsPassword(user, link),
      canReplace: needsPassword(user, link) && canReplace(user, link),
      expiresAt: link.expires_at,
    };
  }

  /**
   * Accepts an invitation: a new person chooses the password, one with an account gives it. An account that someone else
   * made with the address does not stop the invited person: `newAccount` makes a separate one.
   */
  async acceptInvite(body: AcceptInviteBody, from: SignInFrom): Promise<SignedIn> {
    const { users, links, passwords, twoFactor, sessions } = this.#deps;
    const { token, password, name, code } = body;
    const link = links.peek(token, 'invite');
    const { user } = this.#invitation(link);
    const existing = needsPassword(user, link);
    if (existing && body.newAccount) return this.#signIn(link, await this.#replaceHolder(link, user, body, from), from);
    let password_hash: string | null = null;
    if (existing) await this.#checkPassword(user, password, { ip: from.ip, proven: false });
    else password_hash = await passwords.hash(password, { ip: from.ip, isKnown: true });
    const current = unchangedUser(this.#deps.users, user);
    if (!isFirstProof(current, link)) await twoFactor.require(current, code, from.ip);
    const id = users.transaction(() => {
      links.consume(link);
      const userId = this.#arrive(link, user.id);
      if (password_hash !== null) {
        users.update(userId, { password_hash, ...(name?.trim() ? { name: name.trim() } : {}) });
      }
      return userId;
    });
    sessions.refresh(id);
    return this.#signIn(link, requireUser(this.#deps.users, id), from);
  }

  /** @throws ApiError BAD_LOGIN, RATE_LIMITED */
  #checkPassword(
    { id: account, password_hash }: UserRow,
    password: string,
    by: Pick<Attempt, 'ip' | 'proven'>,
  ): Promise<void> {
    const { attempts, passwords } = this.#deps;
    return attempts.check({ account, ...by }, async (hasher) => {
      if (!(await passwords.verify(password, password_hash, hasher))) throw new ApiError('BAD_LOGIN');
    });
  }

  /** The person gets a separate account with the address and what it was invited to. @throws ApiError EMAIL_IN_USE */
  async #replaceHolder(
    link: LinkRow,
    { id: holderId }: UserRow,
    { password, name }: Pick<AcceptInviteBody, 'name'> & Pick<MagicVerifyBody, 'password'>,
    { ip }: SignInFrom,
  ): Promise<UserRow> {
    const { users, links, passwords } = this.#deps;
    const password_hash = password === undefined ? null : await passwords.hash(password, { ip, isKnown: true });
    return users.transaction(() => {
      const holder = requireUser(users, holderId);
      if (!canReplace(holder, link)) throw new ApiError('EMAIL_IN_USE');
      links.consume(link);
      const id = this.#arrive(link, replaceHolder(this.#deps, holder, name?.trim() || null));
      users.update(id, { password_hash });
      return requireUser(users, id);
    });
  }

  async #mailLink(email: string): Promise<void> {
    const { users, links, mailer } = this.#deps;
    const user = users.byEmail(email);
    if (user?.id === BREAK_GLASS || (user === undefined && !this.#isSuperadminEmail(email))) return;
    const link = links.issue({ kind: 'login', email, userId: user?.id ?? null });
    await mailer.send(email, magicLinkMail(linkUrl(mailer.linkBase, 'login', link.token)));
    links.markMailed(link.id);
  }

  /** The person a link was made for; undefined for the superadmin's address before its first sign-in. */
  #addressee(link: LinkRow): UserRow | undefined {
    const { users } = this.#deps;
    const user = link.user_id === null ? users.byEmail(link.email ?? '') : users.byId(link.user_id);
    if (user === undefined && link.user_id === null && this.#isSuperadminEmail(link.email ?? '')) return undefined;
    // a link for an address that has changed hands since is void
    if (user === undefined || (link.mailed === 1 && !same(user.email ?? '', link.email ?? ''))) {
      throw new ApiError('BAD_LINK');
    }
    return user;
  }

  #invitation(link: LinkRow): { user: UserRow; team: string; role: InvitePreview['role'] } {
    const { users, tenants } = this.#deps;
    const user = users.byId(link.user_id ?? '');
    const membership = user && users.membership(user.id, link.tenant_id ?? '');
    const tenant = tenants.byId(link.tenant_id ?? '');
    if (user === undefined || tenant === undefined || membership?.status !== 'invited') throw new ApiError('BAD_LINK');
    return { user, team: tenant.name, role: membership.role };
  }

  /** What the use of a link changes. @returns the account that it signs in, which can be a new one (`proveAddress`) */
  #arrive(link: LinkRow, accountId: string): string {
    const { users } = this.#deps;
    users.update(accountId, { status: 'active' });
    const user = requireUser(users, accountId);
    const userId = isFirstProof(user, link) ? proveAddress(this.#deps, user) : accountId;
    if (link.mailed === 1 && this.#isSuperadminEmail(user.email ?? '') && user.is_superadmin === 0)
      this.#promote(userId);
    if (link.kind === 'invite') {
      const membership = users.membership(userId, link.tenant_id ?? '');
      if (membership?.status !== 'invited') throw new ApiError('BAD_LINK');
      users.join({ ...membership, status: 'active' });
    }
    return userId;
  }

  #makeUser(link: LinkRow): string {
    const id = newUserId();
    const created_at = new Date().toISOString();
    const row = { id, email: link.email, name: null, is_superadmin: 0 as const, status: 'active' as const };
    this.#deps.users.insert({ ...row, password_hash: null, created_at });
    return id;
  }

  #promote(userId: string): void {
    const { users } = this.#deps;
    users.update(userId, { is_superadmin: 1 });
    const created_at = new Date().toISOString();
    users.join({ user_id: userId, tenant_id: PLATFORM, role: 'owner', status: 'active', created_at });
  }

  #isSuperadminEmail(email: string): boolean {
    const { superadminEmail } = this.#deps;
    return superadminEmail !== '' && email !== '' && normalEmail(superadminEmail) === normalEmail(email);
  }

  async #signIn({ kind, tenant_id: tenant }: LinkRow, user: UserRow, from: SignInFrom): Promise<SignedIn> {
    const { sessions, events } = this.#deps;
    if (kind === 'invite' && tenant !== null)
      events.publish({ type: 'team.changed', tenant, user: user.id, data: { tenant } });
    return { user, session: await sessions.open(user, from) };
  }
}

/** The account's own password is asked for, unless the link itself proves the address of an account nobody proved before. */
const needsPassword = (user: UserRow, link: LinkRow): boolean => user.status === 'active' && !isFirstProof(user, link);

/** The link proves the address, and nobody has shown before that the account's holder reads that mail. */
const isFirstProof = (user: UserRow, link: LinkRow): boolean =>
  isProof(link) && user.email_verified_at === null && isFor(user, link);

/** It went to the mailbox, or an operator made it and answers for the address. */
const isProof = ({ mailed, vouched }: LinkRow): boolean => mailed === 1 || vouched === 1;

const isFor = (user: UserRow, link: LinkRow): boolean => same(user.email ?? '', link.email ?? '');

const canReplace = (user: UserRow, link: LinkRow): boolean => isUnproven(user) && isFor(user, link);
