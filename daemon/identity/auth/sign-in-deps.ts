import type { TenantStore } from '../people/tenant-store.ts';
import type { UserStore } from '../people/user-store.ts';
import type { AccountAttempts } from './attempts.ts';
import type { Links } from './links.ts';
import type { Passwords } from './passwords.ts';
import type { SessionStore } from './sessions.ts';
import type { TwoFactor } from './totp.ts';

/** What every way in needs, and the account page too. */
export interface SignInDeps {
  users: UserStore;
  tenants: TenantStore;
  sessions: SessionStore;
  links: Links;
  passwords: Passwords;
  twoFactor: TwoFactor;
  attempts: AccountAttempts;
}
