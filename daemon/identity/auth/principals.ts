import { PLATFORM, type Principal } from '#daemon/platform/principal.ts';
import type { MembershipRow, UserRow } from '../people/user-store.ts';

export const BREAK_GLASS = 'admin';

/** The team that a person acts for: the oldest owned, else the oldest joined. Invitations not accepted count for nothing. */
export function primaryMembership(memberships: readonly MembershipRow[]): MembershipRow | undefined {
  const active = memberships.filter((m) => m.status === 'active');
  return active.find((m) => m.role === 'owner') ?? active[0];
}

/** What a person may do, from the rows; a person without a team gets neither team nor role. */
export function principalOf(user: UserRow, memberships: readonly MembershipRow[], sessionId: string): Principal {
  const email = user.email === null ? {} : { email: user.email };
  if (user.is_superadmin === 1) {
    return Object.freeze({
      userId: user.id,
      tenantId: PLATFORM,
      role: 'superadmin' as const,
      isSuperadmin: true,
      scope: 'global' as const,
      via: 'admin_jwt' as const,
      ...email,
      sessionId,
    });
  }
  const membership = primaryMembership(memberships);
  return Object.freeze({
    userId: user.id,
    tenantId: membership?.tenant_id ?? null,
    role: membership?.role ?? null,
    isSuperadmin: false,
    scope: 'user' as const,
    via: 'user_jwt' as const,
    ...email,
    sessionId,
  });
}
