import type { Actor } from '#daemon/platform/http/types.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { Mailer } from '#daemon/platform/mail/mailer.ts';
import { emailChangedMail, emailProofMail } from '#daemon/platform/mail/messages.ts';
import type { Principal } from '#daemon/platform/principal.ts';
import { ApiError } from '#shared/errors.ts';
import type { UserRow, UserStore } from '../people/user-store.ts';
import type { RateLimits } from '../security/rate-limits.ts';
import type { TokenService } from '../tokens/service.ts';
import { same } from './identity.ts';
import { type Links, linkUrl } from './links.ts';
import { BREAK_GLASS } from './principals.ts';
import type { SessionStore } from './sessions.ts';
import type { TwoFactor } from './totp.ts';
import { isUnproven, moveUnprovenAddress } from './unproven-address.ts';

export interface EmailProofDeps {
  users: UserStore;
  sessions: SessionStore;
  twoFactor: TwoFactor;
  tokens: TokenService;
  links: Links;
  mailer: Mailer;
  limits: RateLimits;
  log: Log<'warn'>;
}

/**
 * A new address of an account waits beside the old one until it is proven: by a link that was mailed to it and is opened
 * in a session of the account, or by the operator. Until then it belongs to no one and stops no one.
 */
export class EmailProof {
  readonly #deps: EmailProofDeps;

  constructor(deps: EmailProofDeps) {
    this.#deps = deps;
  }

  /** Notes the address and mails the link, where mail is set up. @throws ApiError EMAIL_IN_USE, BREAK_GLASS_FIXED */
  request(user: UserRow, email: string): void {
    const { users, links, mailer, log } = this.#deps;
    if (user.id === BREAK_GLASS) throw new ApiError('BREAK_GLASS_FIXED');
    links.drop('email', user.id);
    if (email === user.email) {
      users.update(user.id, { pending_email: null });
      return;
    }
    this.#refuseInUse(email, user.id);
    users.update(user.id, { pending_email: email });
    if (!mailer.canSendLinks) return;
    this.#mailProof(user, email).catch((error: Error) =>
      log.warn({ reason: error.message }, 'a link to confirm an address could not be mailed'),
    );
  }

  async #mailProof(user: UserRow, email: string): Promise<void> {
    const { links, mailer, limits } = this.#deps;
    if (!(await limits.take('mail-address', email)).allowed)
      throw new Error('too many mails to this address in an hour');
    const link = links.issue({ kind: 'email', email, userId: user.id });
    const account = user.email ?? user.name ?? user.id;
    await mailer.send(email, emailProofMail(linkUrl(mailer.linkBase, 'email', link.token), account));
    links.markMailed(link.id);
  }

  /** By the link, in a session of the same account. @throws ApiError BAD_LINK, EMAIL_IN_USE */
  confirm(principal: Principal, token: string): void {
    const { users, links, sessions } = this.#deps;
    const link = links.peek(token, 'email');
    const user = users.byId(principal.userId);
    const email = user?.pending_email ?? null;
    if (user === undefined || link.user_id !== user.id || email === null || !same(email, link.email ?? ''))
      throw new ApiError('BAD_LINK');
    users.transaction(() => {
      links.consume(link);
      // what a session sets up before the change can be a stranger's as well as the change itself
      const began = sessions.createdAt(principal.sessionId ?? '') ?? Number.POSITIVE_INFINITY;
      this.#take(user, email, new Date(Math.min(began, Date.parse(link.created_at))).toISOString());
    });
    sessions.refresh(user.id);
  }

  /** By the operator, who names the address: it may have changed since it was read. @throws ApiError EMAIL_NOT_PENDING */
  confirmByOperator(user: UserRow, email: string): void {
    const { users, sessions } = this.#deps;
    if (email !== user.email && email !== user.pending_email) throw new ApiError('EMAIL_NOT_PENDING', { email });
    users.transaction(() => this.#take(user, email));
    sessions.refresh(user.id);
  }

  /**
   * The account has the address from now on.
   * @param suspectFrom what it got from then on ends when the change is undone; by default from now on
   */
  #take(user: UserRow, email: string, suspectFrom: string | null = null): void {
    const { users, links } = this.#deps;
    this.#makeRoom(user, email);
    users.update(user.id, {
      email,
      pending_email: null,
      former_email: null,
      email_verified_at: new Date().toISOString(),
    });
    links.drop('login', user.id);
    links.drop('email', user.id);
    if (user.email !== null && user.email !== email && user.email_verified_at !== null)
      this.#tellFormer(user.id, user.email, email, suspectFrom);
  }

  /** Tells the previous, proven address of the change, and how to undo it. */
  #tellFormer(userId: string, former: string, email: string, suspectFrom: string | null): void {
    const { links, mailer, log } = this.#deps;
    if (!mailer.canSendLinks) return;
    const link = links.issue({ kind: 'email-undo', email: former, userId, suspectFrom });
    mailer
      .send(former, emailChangedMail(linkUrl(mailer.linkBase, 'email-undo', link.token), former, email))
      .then(() => links.markMailed(link.id))
      .catch((error: Error) =>
        log.warn({ reason: error.message }, 'the previous address of an account could not be told'),
      );
  }

  /**
   * Puts back the address that a link was mailed to. Anyone could have made the change in an open session, so the password,
   * all sessions, and the second factor and API tokens that this session could have set up end. Later addresses can't undo
   * this. @throws ApiError BAD_LINK, EMAIL_IN_USE
   */
  undo(token: string, from: Pick<Actor, 'ip' | 'requestId'>): { actor: Actor; before: string | null; email: string } {
    const { users, links, sessions, twoFactor, tokens } = this.#deps;
    const link = links.peek(token, 'email-undo');
    const user = users.byId(link.user_id ?? '');
    const email = link.email ?? '';
    if (user === undefined || email === '') throw new ApiError('BAD_LINK');
    const actor = { id: user.id, label: email, ...from };
    const suspectFrom = link.suspect_from ?? link.created_at;
    users.transaction(() => {
      links.consume(link);
      links.dropLater(link);
      const email_verified_at = new Date().toISOString();
      this.#makeRoom(user, email);
      users.update(user.id, { email, pending_email: null, email_verified_at, password_hash: null });
      links.drop('login', user.id);
      links.drop('email', user.id);
      twoFactor.resetSince(user.id, suspectFrom);
      sessions.revokeAll(user.id);
    });
    tokens.revokeMadeBy(user.id, suspectFrom, actor);
    return { actor, before: user.email, email };
  }

  /** Invitations that were made for the address go with it. @throws ApiError EMAIL_IN_USE */
  #makeRoom(user: UserRow, email: string): void {
    const { users } = this.#deps;
    this.#refuseInUse(email, user.id);
    const other = users.byEmail(email);
    if (other === undefined || other.id === user.id) return;
    moveUnprovenAddress(this.#deps, other, user.id);
    if (other.status === 'pending') users.remove(other.id);
  }

  /** An account that was only invited, or never proved the address, does not stop the one that can. */
  #refuseInUse(email: string, userId: string): void {
    const other = this.#deps.users.byEmail(email);
    if (other !== undefined && other.id !== userId && other.status !== 'pending' && !isUnproven(other))
      throw new ApiError('EMAIL_IN_USE');
  }
}
