import { type Clock, SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import type { Principal } from '#daemon/platform/principal.ts';
import { ApiError } from '#shared/errors.ts';
import type { Account, ChangePasswordBody, UpdateAccountBody } from '#shared/schema/auth.ts';
import type { UserChange, UserRow } from '../people/user-store.ts';
import type { EmailProof } from './email-proof.ts';
import { checkedEmail } from './identity.ts';
import { BREAK_GLASS } from './principals.ts';
import type { SignInDeps } from './sign-in-deps.ts';

const FRESH_MS = 15 * 60_000;

export interface AccountServiceDeps extends SignInDeps {
  emailProof: EmailProof;
  clock?: Clock;
}

/** A person's own account. */
export class AccountService {
  readonly #deps: AccountServiceDeps;

  constructor(deps: AccountServiceDeps) {
    this.#deps = deps;
  }

  get(principal: Principal): Account {
    const user = this.#require(principal);
    const { tenants, twoFactor } = this.#deps;
    const tenant = principal.tenantId === null ? undefined : tenants.byId(principal.tenantId);
    const role = principal.role === 'owner' || principal.role === 'editor' || principal.role === 'viewer';
    return {
      user: {
        id: user.id,
        email: user.email,
        pendingEmail: user.pending_email,
        formerEmail: user.former_email,
        name: user.name,
        isSuperadmin: user.is_superadmin === 1,
        hasPassword: user.password_hash !== null || user.id === BREAK_GLASS,
        twoFactorEnabled: user.totp_enabled === 1,
        recoveryCodesLeft: twoFactor.recoveryCodesLeft(user.id),
        isBreakGlass: user.id === BREAK_GLASS,
        status: user.status,
        createdAt: user.created_at,
      },
      tenant:
        tenant === undefined
          ? null
          : {
              id: tenant.id,
              name: tenant.name,
              plan: tenant.plan,
              role: role ? (principal.role as 'owner') : 'owner',
            },
    };
  }

  /** Name of the caller and of the team, for `GET /auth/me`. */
  names(principal: Principal): { name: string | null; tenantName: string | null } {
    const { users, tenants } = this.#deps;
    return {
      name: users.byId(principal.userId)?.name ?? null,
      tenantName: principal.tenantId === null ? null : (tenants.byId(principal.tenantId)?.name ?? null),
    };
  }

  /** A new address waits until it is proven (email-proof.ts). */
  update(principal: Principal, body: UpdateAccountBody): { before: object; after: object } {
    const user = this.#require(principal);
    const { users, emailProof, sessions } = this.#deps;
    const change: UserChange = {};
    if (body.name !== undefined) change.name = body.name.trim() || null;
    const email = body.email === undefined ? undefined : checkedEmail(body.email);
    if (email !== undefined && (email !== user.email || user.pending_email !== null)) emailProof.request(user, email);
    users.update(user.id, change);
    sessions.refresh(user.id);
    const { pending_email } = this.#require(principal);
    return {
      before: { email: user.email, pendingEmail: user.pending_email, name: user.name },
      after: { ...change, email: user.email, pendingEmail: pending_email },
    };
  }

  /** Ends all other sessions and voids sign-in links. @returns how many sessions ended */
  async changePassword(principal: Principal, body: ChangePasswordBody, ip: string): Promise<number> {
    const { users, passwords, sessions, links, attempts } = this.#deps;
    const user = this.#require(principal);
    if (user.id === BREAK_GLASS) throw new ApiError('BREAK_GLASS_FIXED');
    if (user.password_hash === null) this.#requireFresh(principal);
    else
      await attempts.check({ account: user.id, ip, proven: true }, async (by) => {
        if (!(await passwords.verify(body.currentPassword ?? '', user.password_hash, by)))
          throw new ApiError('WRONG_PASSWORD');
      });
    const password_hash = await passwords.hash(body.newPassword, { ip, isKnown: true });
    if (this.#require(principal).password_hash !== user.password_hash) throw new ApiError('WRONG_PASSWORD');
    users.update(user.id, { password_hash });
    links.drop('login', user.id);
    return sessions.revokeAll(user.id, principal.sessionId);
  }

  /** The row behind a person's session, for two-factor; the break-glass admin has none. */
  twoFactorUser(principal: Principal): UserRow {
    const user = this.#require(principal);
    if (user.id === BREAK_GLASS) throw new ApiError('BREAK_GLASS_FIXED');
    return user;
  }

  #requireFresh(principal: Principal): void {
    const began = this.#deps.sessions.createdAt(principal.sessionId ?? '');
    const now = (this.#deps.clock ?? SYSTEM_CLOCK).now();
    if (began === undefined || now - began > FRESH_MS) throw new ApiError('FRESH_SESSION_REQUIRED');
  }

  #require(principal: Principal): UserRow {
    const user = this.#deps.users.byId(principal.userId);
    if (user === undefined) throw new ApiError('UNAUTHENTICATED');
    return user;
  }
}
