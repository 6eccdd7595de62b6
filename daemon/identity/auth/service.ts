import { randomUUID } from 'node:crypto';
import type { Background } from '#daemon/platform/background.ts';
import type { Meta } from '#daemon/platform/db/meta.ts';
import { PLATFORM } from '#daemon/platform/principal.ts';
import { ApiError } from '#shared/errors.ts';
import type { LoginBody, SetupBody, SignupBody } from '#shared/schema/auth.ts';
import type { UserRow } from '../people/user-store.ts';
import { unknownAccount } from './attempts.ts';
import { checkedEmail, newUserId, normalEmail, same } from './identity.ts';
import { requireUser, unchangedUser } from './known-user.ts';
import { linkUrl } from './links.ts';
import { type Hasher, OURSELVES } from './passwords.ts';
import { BREAK_GLASS } from './principals.ts';
import type { OpenedSession, SignInFrom } from './sessions.ts';
import type { SignInDeps } from './sign-in-deps.ts';
import { proveAddress } from './unproven-address.ts';

export interface AuthServiceDeps extends SignInDeps {
  background: Background;
  meta: Meta;
  settings: { adminUser: string; adminPass: string; allowSignup: boolean };
}

/** A sign-in that succeeded: the session for the client, the person for the audit trail. */
export interface SignedIn {
  session: OpenedSession;
  user: UserRow;
}

const BREAK_GLASS_MARK = 'break_glass_hash';

/** Ways in: the break-glass admin, passwords, the set-up link, sign-up. Links of other kinds: link-sign-in.ts. */
export class AuthService {
  readonly #deps: AuthServiceDeps;
  /** The hashing of ADMIN_PASS that follows the start. */
  #mirroring: Promise<void> = Promise.resolve();
  #giveUp = (): void => {};

  constructor(deps: AuthServiceDeps) {
    this.#deps = deps;
  }

  start(): void {
    // an account that can't be written now is written later; nobody signs in as it without the settings
    this.#giveUp = this.#deps.background.untilDone('break-glass account', () => {
      this.#mirror();
      return this.#mirroring;
    });
  }

  /** Mirrors the break-glass admin as the user `admin`, or closes that account when it is not set. */
  #mirror(): void {
    const { users, meta, settings } = this.#deps;
    const existing = users.byId(BREAK_GLASS);
    if (!this.hasBreakGlass) {
      if (existing !== undefined) users.remove(BREAK_GLASS);
      meta.set(BREAK_GLASS_MARK, '');
      this.#deps.sessions.refresh(BREAK_GLASS);
      return;
    }
    const email = settings.adminUser.includes('@') ? normalEmail(settings.adminUser) : null;
    const free = email === null || [undefined, BREAK_GLASS].includes(users.byEmail(email)?.id) ? email : null;
    users.transaction(() => {
      const created_at = new Date().toISOString();
      if (existing === undefined) {
        const row = { id: BREAK_GLASS, email: free, name: null, is_superadmin: 1 as const, status: 'active' as const };
        users.insert({ ...row, password_hash: null, created_at });
      } else users.update(BREAK_GLASS, { email: free, is_superadmin: 1, status: 'active' });
      users.join({ user_id: BREAK_GLASS, tenant_id: PLATFORM, role: 'owner', status: 'active', created_at });
    });
    this.#mirroring = this.#endSessionsOfOldPassword();
  }

  /** Waits for what the start began. */
  async stop(): Promise<void> {
    this.#giveUp();
    await this.#mirroring.catch(() => {});
  }

  get hasBreakGlass(): boolean {
    return this.#deps.settings.adminUser.trim() !== '' && this.#deps.settings.adminPass.trim() !== '';
  }

  /** True while nobody could sign in as an administrator. */
  get setupRequired(): boolean {
    return !this.hasBreakGlass && this.#deps.users.superadmins() === 0;
  }

  /** @throws ApiError BAD_LOGIN, TOTP_REQUIRED, TOTP_INVALID, RATE_LIMITED */
  async login({ user: name, password, code }: LoginBody, from: SignInFrom): Promise<SignedIn> {
    const { twoFactor } = this.#deps;
    const user = await this.#anyByPassword(name, password, from.ip);
    if (user.id !== BREAK_GLASS) await twoFactor.require(user, code, from.ip);
    return this.#signIn(user, from);
  }

  /**
   * The account that the name and the password mean. An address that was never proven can have gone to another account;
   * the earlier one still signs in by it. Each account has its counter. @throws ApiError BAD_LOGIN, RATE_LIMITED
   */
  async #anyByPassword(name: string, password: string, ip: string): Promise<UserRow> {
    const { attempts, users } = this.#deps;
    const email = normalEmail(name);
    const named = [this.nameFor(name), users.byEmail(email)?.id, ...users.formerlyAt(email).map(({ id }) => id)];
    const accounts = new Set(named.filter((id) => id !== undefined));
    if (accounts.size === 0) accounts.add(unknownAccount(email));
    let refusal: ApiError | undefined;
    for (const account of accounts) {
      try {
        const attempt = { account, ip, proven: false };
        return await attempts.check(attempt, (by) => this.#byPassword(account, { name, password, by }));
      } catch (error) {
        if (!(error instanceof ApiError && (error.code === 'BAD_LOGIN' || error.code === 'RATE_LIMITED'))) throw error;
        if (refusal === undefined || error.code === 'RATE_LIMITED') refusal = error;
      }
    }
    throw refusal ?? new ApiError('BAD_LOGIN');
  }

  /** @throws ApiError BAD_LOGIN */
  async #byPassword(
    account: string,
    { name, password, by }: { name: string; password: string; by: Hasher },
  ): Promise<UserRow> {
    const { users, passwords, settings } = this.#deps;
    if (this.hasBreakGlass && same(name, settings.adminUser) && same(password, settings.adminPass)) {
      return requireUser(users, BREAK_GLASS);
    }
    const user = account === BREAK_GLASS ? undefined : users.byId(account);
    const usable = user?.status === 'active' ? user.password_hash : null;
    const fits = await passwords.verify(password, usable, by);
    if (!fits || user === undefined) throw new ApiError('BAD_LOGIN');
    return unchangedUser(users, user);
  }

  /** A new person with a team of the same; off unless the operator allows it. */
  async signup({ email: text, password, teamName }: SignupBody, from: SignInFrom): Promise<SignedIn> {
    const { users, tenants, passwords, settings } = this.#deps;
    if (!settings.allowSignup) throw new ApiError('SIGNUP_DISABLED');
    const email = checkedEmail(text);
    const taken = (): boolean => users.byEmail(email) !== undefined && users.byEmail(email)?.status !== 'pending';
    if (taken()) throw new ApiError('EMAIL_IN_USE');
    const password_hash = await passwords.hash(password, { ip: from.ip, isKnown: false });
    const id = users.transaction(() => {
      if (taken()) throw new ApiError('EMAIL_IN_USE');
      const created_at = new Date().toISOString();
      // somebody who was invited: the invitation itself is still accepted with its link only
      const pending = users.byEmail(email);
      const userId = pending?.id ?? newUserId();
      if (pending === undefined) {
        users.insert({
          id: userId,
          email,
          name: null,
          is_superadmin: 0,
          status: 'active',
          password_hash,
          created_at,
        });
      } else users.update(userId, { status: 'active', password_hash });
      const tenantId = `tnt_${randomUUID()}`;
      const name = teamName?.trim() || `${email.split('@', 1)[0]}’s team`;
      tenants.insert({ id: tenantId, name, plan: 'free', created_at });
      users.join({ user_id: userId, tenant_id: tenantId, role: 'owner', status: 'active', created_at });
      return userId;
    });
    return this.#signIn(requireUser(this.#deps.users, id), from);
  }

  /** Makes the set-up link of this start and voids earlier ones; null when an administrator exists. */
  issueSetupLink(base: string): { url: string; token: string; expiresAt: string } | null {
    const { links } = this.#deps;
    links.drop('setup');
    if (!this.setupRequired) return null;
    const { token, expiresAt } = links.issue({ kind: 'setup' });
    return { url: linkUrl(base, 'setup', token), token, expiresAt };
  }

  /** The first administrator, by anyone who holds the set-up link. */
  async setup({ token, email: text, password, name }: SetupBody, from: SignInFrom): Promise<SignedIn> {
    const { users, links, passwords } = this.#deps;
    const link = links.peek(token, 'setup');
    if (!this.setupRequired) throw new ApiError('SETUP_DONE');
    const email = checkedEmail(text);
    const password_hash = await passwords.hash(password, { ip: from.ip, isKnown: true });
    const id = users.transaction(() => {
      if (!this.setupRequired) throw new ApiError('SETUP_DONE');
      links.consume(link);
      const created_at = new Date().toISOString();
      const known = users.byEmail(email);
      // the operator holds the set-up link, so the address is the operator's word
      const userId = known === undefined ? newUserId() : proveAddress(this.#deps, known);
      const row = { is_superadmin: 1 as const, status: 'active' as const, password_hash };
      if (known === undefined) users.insert({ id: userId, email, name: null, ...row, created_at });
      const named = name?.trim() ? { name: name.trim() } : {};
      users.update(userId, { ...row, ...named, email_verified_at: created_at });
      users.join({ user_id: userId, tenant_id: PLATFORM, role: 'owner', status: 'active', created_at });
      return userId;
    });
    return this.#signIn(requireUser(this.#deps.users, id), from);
  }

  /** The account that an attempted name belongs to, for the audit trail; never what was typed. */
  nameFor(attempted: string): string | undefined {
    if (this.hasBreakGlass && attempted === this.#deps.settings.adminUser) return BREAK_GLASS;
    return this.#deps.users.byEmail(normalEmail(attempted))?.id;
  }

  async #signIn(user: UserRow, from: SignInFrom): Promise<SignedIn> {
    return { user, session: await this.#deps.sessions.open(user, from) };
  }

  /** A changed ADMIN_PASS ends the sessions that the old one opened. */
  async #endSessionsOfOldPassword(): Promise<void> {
    const { meta, passwords, sessions, settings } = this.#deps;
    const credentials = `${settings.adminUser}\n${settings.adminPass}`;
    const stored = meta.get(BREAK_GLASS_MARK);
    if (stored && (await passwords.verify(credentials, stored, OURSELVES))) return;
    sessions.revokeAll(BREAK_GLASS);
    meta.set(BREAK_GLASS_MARK, await passwords.hash(credentials, OURSELVES));
  }
}
