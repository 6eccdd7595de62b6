import { ApiError } from '#shared/errors.ts';
import type { UserRow, UserStore } from '../people/user-store.ts';

/** @throws ApiError BAD_LOGIN when the user went in the meantime */
export function requireUser(users: UserStore, id: string): UserRow {
  const user = users.byId(id);
  if (user === undefined) throw new ApiError('BAD_LOGIN');
  return user;
}

/** The row now. @throws ApiError BAD_LOGIN when the password or the status changed while it was being checked */
export function unchangedUser(users: UserStore, user: UserRow): UserRow {
  const now = requireUser(users, user.id);
  if (now.password_hash !== user.password_hash || now.status !== user.status) throw new ApiError('BAD_LOGIN');
  return now;
}
