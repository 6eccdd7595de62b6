import type { UserRow, UserStore } from '../people/user-store.ts';
import type { Links } from './links.ts';
import { BREAK_GLASS } from './principals.ts';
import type { SessionStore } from './sessions.ts';

/**
 * Nobody has shown that the address is this account's, so it can go to another one. Operators answer for the addresses
 * of superadmins.
 */
export const isUnproven = (user: UserRow): boolean =>
  user.status === 'active' && user.email_verified_at === null && user.is_superadmin === 0 && user.id !== BREAK_GLASS;

/**
 * Takes an unproven address from an account, with the invitations that were made for it. The account keeps all else,
 * and still signs in by that address and its password: it could be the first honest user of an installation without mail.
 */
export function moveUnprovenAddress(
  { users, links, sessions }: { users: UserStore; links: Links; sessions: SessionStore },
  { id: from, email }: UserRow,
  to: string,
): void {
  users.update(from, { email: null, former_email: email });
  for (const membership of users.memberships(from)) {
    if (membership.status !== 'invited') continue;
    users.leave(from, membership.tenant_id);
    if (users.membership(to, membership.tenant_id) === undefined) users.join({ ...membership, user_id: to });
  }
  links.moveInvites(from, to);
  links.drop('login', from);
  users.update(to, { email });
  sessions.refresh(from);
}
