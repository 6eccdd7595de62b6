import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto';
import { type Clock, SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import type { Log } from '#daemon/platform/log.ts';
import { ApiError } from '#shared/errors.ts';
import type { UserRow, UserStore } from '../people/user-store.ts';
import type { AccountAttempts } from './attempts.ts';

const PERIOD = 30;
const RECOVERY_CODES = 10;
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';

export interface TotpDeps {
  users: UserStore;
  /** 256 bits, derived from the session secret. */
  key: Buffer;
  attempts: AccountAttempts;
  log: Log<'warn'>;
  clock?: Clock;
}

/** Two-factor sign-in: codes of an authenticator app (RFC 6238: SHA-1, 6 digits, 30 s, one step either way), and recovery codes. */
export class TwoFactor {
  readonly #deps: TotpDeps;

  constructor(deps: TotpDeps) {
    this.#deps = deps;
  }

  /** Begins: makes a secret that counts only once a code confirms it. */
  async setup(user: UserRow): Promise<{ secret: string; otpauthUri: string; qrDataUri: string }> {
    if (user.totp_enabled) throw new ApiError('TOTP_STATE', { state: 'on already' });
    const [{ Secret, TOTP }, { default: QRCode }] = await Promise.all([import('otpauth'), import('qrcode')]);
    const secret = new Secret({ size: 20 });
    const totp = new TOTP({ issuer: 'StreamHub', label: user.email ?? user.id, secret, period: PERIOD });
    const otpauthUri = totp.toString();
    const qrDataUri = await QRCode.toDataURL(otpauthUri, { margin: 1, width: 240 });
    this.#deps.users.update(user.id, { totp_pending_secret: this.#seal(user.id, secret.base32) });
    return { secret: secret.base32, otpauthUri, qrDataUri };
  }

  /** Turns it on; the code can't be used again. @returns the recovery codes, shown this once */
  enable(user: UserRow, code: string, ip: string): Promise<string[]> {
    const { users, attempts } = this.#deps;
    return attempts.check({ account: user.id, ip, proven: true }, async () => {
      const pending = this.#pending(user.id);
      const step = await this.#step(this.#open(user.id, pending), code);
      if (step === null) throw new ApiError('TOTP_WRONG_CODE');
      if (this.#pending(user.id) !== pending) throw new ApiError('TOTP_WRONG_CODE');
      const codes = makeRecoveryCodes();
      users.transaction(() => {
        users.update(user.id, {
          totp_enabled: 1,
          totp_enabled_at: new Date(this.#now()).toISOString(),
          totp_secret: pending,
          totp_pending_secret: null,
          totp_last_step: step,
        });
        users.replaceCodes(user.id, codes.map(digest));
      });
      return codes;
    });
  }

  async disable(user: UserRow, code: string, ip: string): Promise<void> {
    await this.#confirm(user, code, ip);
    this.reset(user.id);
  }

  async renewRecoveryCodes(user: UserRow, code: string, ip: string): Promise<string[]> {
    await this.#confirm(user, code, ip);
    const codes = makeRecoveryCodes();
    this.#deps.users.replaceCodes(user.id, codes.map(digest));
    return codes;
  }

  /** Turns it off without a code: for the operator who holds the files. */
  reset(userId: string): void {
    const { users } = this.#deps;
    users.transaction(() => {
      users.update(userId, {
        totp_enabled: 0,
        totp_enabled_at: null,
        totp_secret: null,
        totp_pending_secret: null,
        totp_last_step: 0,
      });
      users.replaceCodes(userId, []);
    });
  }

  /** Ends a second factor that was turned on at that instant or later, and one that is being set up. */
  resetSince(userId: string, since: string): void {
    const { users } = this.#deps;
    const user = users.byId(userId);
    if ((user?.totp_enabled_at ?? '') >= since) this.reset(userId);
    else users.update(userId, { totp_pending_secret: null });
  }

  /**
   * The second step of a sign-in. A code is good once; so is a recovery code.
   * @throws ApiError TOTP_REQUIRED, TOTP_INVALID, RATE_LIMITED after many wrong ones
   */
  async require(user: UserRow, code: string | undefined, ip: string): Promise<void> {
    if (!user.totp_enabled) return;
    const given = (code ?? '').replace(/\s/g, '');
    if (given === '') throw new ApiError('TOTP_REQUIRED');
    await this.#deps.attempts.check({ account: user.id, ip, proven: true }, async () => {
      if (!(await this.#accept(user.id, given))) throw new ApiError('TOTP_INVALID');
    });
  }

  recoveryCodesLeft(userId: string): number {
    return this.#deps.users.countCodes(userId);
  }

  /** Takes a code once, for any purpose: the time step of an accepted code is kept in the account's row. */
  async #accept(userId: string, code: string): Promise<boolean> {
    const { users } = this.#deps;
    if (!/^\d{6}$/.test(code)) return users.takeCode(userId, digest(code.toLowerCase().replace(/-/g, '')));
    const secret = users.byId(userId)?.totp_secret ?? '';
    const step = await this.#step(this.#open(userId, secret), code);
    return step !== null && users.byId(userId)?.totp_secret === secret && users.advanceTotp(userId, step);
  }

  #confirm({ id }: UserRow, code: string, ip: string): Promise<void> {
    return this.#deps.attempts.check({ account: id, ip, proven: true }, async () => {
      if (!this.#deps.users.byId(id)?.totp_enabled) throw new ApiError('TOTP_STATE', { state: 'off' });
      if (!(await this.#accept(id, code))) throw new ApiError('TOTP_WRONG_CODE');
    });
  }

  #pending(userId: string): string {
    const user = this.#deps.users.byId(userId);
    if (user?.totp_enabled) throw new ApiError('TOTP_STATE', { state: 'on already' });
    if (!user?.totp_pending_secret)
      throw new ApiError('TOTP_STATE', { state: 'not set up; start with /account/2fa/setup' });
    return user.totp_pending_secret;
  }

  /** The time step that the code belongs to, or null. */
  async #step(secret: string | null, code: string): Promise<number | null> {
    if (secret === null) return null;
    const { Secret, TOTP } = await import('otpauth');
    const timestamp = this.#now();
    const totp = new TOTP({ secret: Secret.fromBase32(secret), period: PERIOD });
    const delta = totp.validate({ token: code, window: 1, timestamp });
    return delta === null ? null : Math.floor(timestamp / 1000 / PERIOD) + delta;
  }

  #now(): number {
    return (this.#deps.clock ?? SYSTEM_CLOCK).now();
  }

  /** Encrypted with the account as additional data, so that a row's secret is of use to no other row. */
  #seal(userId: string, secret: string): string {
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#deps.key, iv).setAAD(Buffer.from(userId));
    const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  /** Null when it cannot be read, as after a change of the session secret: then only a recovery code signs in. */
  #open(userId: string, sealed: string): string | null {
    const bytes = Buffer.from(sealed, 'base64url');
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#deps.key, bytes.subarray(0, 12))
        .setAAD(Buffer.from(userId))
        .setAuthTag(bytes.subarray(12, 28));
      return decipher.update(bytes.subarray(28), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      this.#deps.log.warn({ user: userId }, 'the two-factor secret cannot be read; was the session secret changed?');
      return null;
    }
  }
}

function makeRecoveryCodes(): string[] {
  return Array.from({ length: RECOVERY_CODES }, () => {
    let code = '';
    while (code.length < 10) {
      const byte = (randomBytes(1)[0] as number) & 31;
      if (byte < ALPHABET.length) code += ALPHABET[byte];
    }
    return code;
  });
}

/** Recovery codes have 49 bits of chance, so a plain digest keeps them. */
const digest = (code: string): string => hash('sha256', `recovery ${code}`, 'hex');
