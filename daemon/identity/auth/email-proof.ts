import type { Log } from '#daemon/platform/log.ts';
import type { Mailer } from '#daemon/platform/mail/mailer.ts';
import { emailProofMail } from '#daemon/platform/mail/messages.ts';
import type { Principal } from '#daemon/platform/principal.ts';
import { ApiError } from '#shared/errors.ts';
import type { UserRow, UserStore } from '../people/user-store.ts';
import { same } from './identity.ts';
import { type Links, linkUrl } from './links.ts';
import { BREAK_GLASS } from './principals.ts';
import type { SessionStore } from './sessions.ts';

export interface EmailProofDeps {
  users: UserStore;
  sessions: SessionStore;
  links: Links;
  mailer: Mailer;
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
    const link = links.issue({ kind: 'email', email, userId: user.id });
    mailer
      .send(email, emailProofMail(linkUrl(mailer.linkBase, 'email', link.token), user.email ?? user.name ?? user.id))
      .then(() => links.markMailed(link.id))
      .catch((error: Error) => log.warn({ reason: error.message }, 'a link to confirm an address could not be mailed'));
  }

  /** By the link, in a session of the same account. @throws ApiError BAD_LINK, EMAIL_IN_USE */
  confirm(principal: Principal, token: string): void {
    const { users, links } = this.#deps;
    const link = links.peek(token, 'email');
    const user = users.byId(principal.userId);
    const email = user?.pending_email ?? null;
    if (user === undefined || link.user_id !== user.id || email === null || !same(email, link.email ?? ''))
      throw new ApiError('BAD_LINK');
    users.transaction(() => {
      links.consume(link);
      this.#take(user, email);
    });
    this.#deps.sessions.refresh(user.id);
  }

  /** By the operator, who names the address: it may have changed since it was read. @throws ApiError EMAIL_NOT_PENDING */
  confirmByOperator(user: UserRow, email: string): void {
    const { users, sessions } = this.#deps;
    if (email !== user.email && email !== user.pending_email) throw new ApiError('EMAIL_NOT_PENDING', { email });
    users.transaction(() => this.#take(user, email));
    sessions.refresh(user.id);
  }

  /** Invitations that were made for the address go with it. */
  #take(user: UserRow, email: string): void {
    const { users, links } = this.#deps;
    this.#refuseInUse(email, user.id);
    const invited = users.byEmail(email);
    if (invited !== undefined && invited.id !== user.id) {
      for (const membership of users.memberships(invited.id)) {
        if (users.membership(user.id, membership.tenant_id) === undefined)
          users.join({ ...membership, user_id: user.id });
      }
      links.moveInvites(invited.id, user.id);
      users.remove(invited.id);
    }
    users.update(user.id, { email, pending_email: null, email_verified_at: new Date().toISOString() });
    links.drop('login', user.id);
    links.drop('email', user.id);
  }

  /** Someone who was invited and has not come yet does not use the address. */
  #refuseInUse(email: string, userId: string): void {
    const other = this.#deps.users.byEmail(email);
    if (other !== undefined && other.id !== userId && other.status !== 'pending') throw new ApiError('EMAIL_IN_USE');
  }
}
