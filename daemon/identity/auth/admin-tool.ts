import { Background } from '#daemon/platform/background.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import { EventBus } from '#daemon/platform/events/bus.ts';
import { auditRepository } from '../audit/repository.ts';
import { AuditTrail } from '../audit/service.ts';
import { type UserRow, userStore } from '../people/user-store.ts';
import { tokenRepository } from '../tokens/repository.ts';
import { TokenService } from '../tokens/service.ts';
import { normalEmail } from './identity.ts';
import { linkRepository } from './link-repository.ts';
import { OURSELVES, Passwords } from './passwords.ts';
import { BREAK_GLASS } from './principals.ts';
import { sessionRepository } from './session-repository.ts';

const ACTOR = { id: 'system', label: 'command line' };
const MIN_PASSWORD = 8;

type Account = Pick<UserRow, 'id' | 'email' | 'is_superadmin' | 'status' | 'totp_enabled'>;

/** All accounts, from columns that every version has: a listing upgrades nothing. */
const accountsIn = (db: Db): Account[] =>
  db
    .prepare<[], Account>('SELECT id, email, is_superadmin, status, totp_enabled FROM users ORDER BY created_at, id')
    .all();

/** One line an account. */
export const accountLines = (db: Db): string[] =>
  accountsIn(db).map((user) =>
    [user.id, user.email ?? '-', user.is_superadmin ? 'superadmin' : user.status, user.totp_enabled ? '2fa' : '']
      .join('  ')
      .trim(),
  );

/** What anyone with access to the files can do with accounts while the daemon is stopped. */
export class AdminTool {
  readonly #db: Db;
  readonly #users: ReturnType<typeof userStore>;
  readonly #audit: AuditTrail;
  readonly #background: Background;

  constructor(db: Db) {
    this.#db = db;
    this.#users = userStore(db);
    const lost = (data: object): void => process.emitWarning(`the audit entry was lost: ${JSON.stringify(data)}`);
    this.#background = new Background({ log: { info() {}, warn: lost } });
    this.#audit = new AuditTrail({
      repository: auditRepository(db),
      tenantOf: () => undefined,
      retentionDays: 0,
      background: this.#background,
      log: { error: lost },
    });
  }

  /** An account by address; without one the only superadmin. @throws Error that says what to do */
  find(email: string | undefined): { id: string; label: string } {
    if (email !== undefined) {
      const user = this.#users.byEmail(normalEmail(email));
      if (user === undefined || user.id === BREAK_GLASS) throw new Error(`no account has the address ${email}`);
      return { id: user.id, label: user.email ?? user.id };
    }
    const admins = accountsIn(this.#db).filter((user) => user.is_superadmin === 1 && user.id !== BREAK_GLASS);
    const [only, ...others] = admins;
    if (only === undefined)
      throw new Error('there is no superadmin yet; the daemon prints a setup link when it starts');
    if (others.length > 0) throw new Error('there are several superadmins; specify one by email address');
    return { id: only.id, label: only.email ?? only.id };
  }

  /** Ends the account's sessions and links with it. */
  async resetPassword(
    id: string,
    password: string,
    options: { resetTwoFactor: boolean; superadmin: boolean },
  ): Promise<void> {
    if (password.length < MIN_PASSWORD || password.length > 200) throw new Error('a password has 8 to 200 characters');
    const password_hash = await new Passwords().hash(password, OURSELVES);
    this.#users.transaction(() => {
      this.#users.update(id, {
        password_hash,
        status: 'active',
        ...(options.superadmin ? { is_superadmin: 1 } : {}),
        ...(options.resetTwoFactor ? { totp_enabled: 0, totp_secret: null, totp_pending_secret: null } : {}),
      });
      if (options.resetTwoFactor) this.#users.replaceCodes(id, []);
      sessionRepository(this.#db).revokeUser(id, new Date().toISOString());
      linkRepository(this.#db).drop('login', id);
    });
    this.#audit.write({
      action: 'admin.reset-password',
      outcome: 'done',
      status: null,
      actor: ACTOR,
      target: id,
      after: options,
    });
    this.#audit.stop();
  }

  /** @returns the plaintext of a new global token */
  createToken(name: string): string {
    const events = new EventBus((error) => {
      throw error;
    });
    events.subscribe((event) => this.#audit.hear(event));
    const tokens = new TokenService({
      repository: tokenRepository(this.#db),
      appById: () => undefined,
      events,
      background: this.#background,
    });
    const { token } = tokens.create({ name, scope: 'global' }, ACTOR);
    this.#audit.stop();
    return token;
  }
}
