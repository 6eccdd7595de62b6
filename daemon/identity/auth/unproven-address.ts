import type { UserRow } from '../people/user-store.ts';
import { newUserId } from './identity.ts';
import { BREAK_GLASS } from './principals.ts';
import type { SignInDeps } from './sign-in-deps.ts';

type AddressDeps = Pick<SignInDeps, 'users' | 'links' | 'sessions'>;

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
  { users, links, sessions }: AddressDeps,
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

/** A new account takes the unproven address of another one. @returns its id */
export function replaceHolder(deps: AddressDeps, holder: UserRow, name: string | null = null): string {
  const id = newUserId();
  const created_at = new Date().toISOString();
  deps.users.insert({ id, email: null, name, is_superadmin: 0, status: 'active', password_hash: null, created_at });
  moveUnprovenAddress(deps, holder, id);
  return id;
}

/** Members of a team that the account shares would see what another holder of the unproven address does in it. */
export const isUnprovenInTeam = ({ users, tenants }: Pick<SignInDeps, 'users' | 'tenants'>, user: UserRow): boolean =>
  isUnproven(user) &&
  users
    .memberships(user.id)
    .some(({ status, tenant_id }) => status === 'active' && tenants.members(tenant_id).length > 1);

/**
 * The first proof that someone reads the mailbox ends what was set up before it: password, second factor, sessions and
 * other links. Anyone could have typed that address. The earlier holder keeps an account that shares a team
 * (`isUnprovenInTeam`), and the person gets a new one.
 * @returns the id of the person's account
 */
export function proveAddress(deps: SignInDeps, user: UserRow): string {
  const { users, twoFactor, links, sessions } = deps;
  const id = isUnprovenInTeam(deps, user) ? replaceHolder(deps, user) : user.id;
  users.update(id, { password_hash: null, pending_email: null, email_verified_at: new Date().toISOString() });
  twoFactor.reset(id);
  links.drop('login', id);
  links.drop('email', id);
  sessions.revokeAll(id);
  return id;
}
