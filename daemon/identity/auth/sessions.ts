import { hash, randomBytes } from 'node:crypto';
import type { Background, Repeated } from '#daemon/platform/background.ts';
import { type Clock, SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import { fileError } from '#daemon/platform/files/file-errors.ts';
import type { CredentialResolver, Principal } from '#daemon/platform/principal.ts';
import { SESSION_HOURS } from '#shared/browser-session.ts';
import type { CookieChoice, Session } from '#shared/schema/auth.ts';
import type { UserRow, UserStore } from '../people/user-store.ts';
import type { SessionTokens } from './jwt.ts';
import { principalOf } from './principals.ts';
import type { CookieKind, SessionRepository, SessionRow } from './session-repository.ts';

export const LIFETIME_MS = SESSION_HOURS * 60 * 60 * 1000;
/** How often a browser is given a kept cookie again, so that it lasts from the last use. */
const RENEW_MS = 60 * 60 * 1000;
const SEEN_EVERY_MS = 60_000;
const FLUSH_MS = 15_000;
const LONGEST_MS = 90 * 86_400_000;
const PURGE_AFTER_MS = 30 * 86_400_000;
/** Of one person or token. They are in memory and in the registry, and a script can open one with each request. */
const MAX_SESSIONS = 250;

interface LiveSession {
  id: string;
  /** `usr_…`, or `token:<id>` when the holder of an API token signed in. */
  userId: string;
  /** Null where the token has it, which can have ended. */
  principal: Principal | null;
  cookie: { kind: CookieKind; hash: string; givenAt: number } | null;
  ip: string | null;
  userAgent: string | null;
  createdAt: string;
  /** The same on the monotonic clock. */
  createdMono: number;
  expiresAt: number;
  /** The same on the monotonic clock: a jump of the wall clock neither ends nor prolongs a session. */
  expiresMono: number;
  lastSeen: number;
}

/** The client of a sign-in. */
export interface SignInFrom {
  ip: string;
  userAgent: string | undefined;
  /** A browser that keeps a cookie; a program that sends a token otherwise. */
  cookie?: CookieChoice | undefined;
}

/** A session that was just opened. */
export interface OpenedSession {
  /** What a program sends from now on, or the value of the cookie. Kept nowhere. */
  secret: string;
  isCookie: boolean;
  /** Seconds that a browser keeps the cookie; undefined = until it is closed. */
  cookieSeconds?: number | undefined;
  expiresAt: string;
}

/** Who opens a session: a person, or an API token. */
type Holder = { user: UserRow } | { tokenId: number };

export interface SessionStoreDeps {
  sessions: SessionRepository;
  users: UserStore;
  tokens: SessionTokens;
  /** What an API token may do from this address; null when it has ended. */
  tokenPrincipal?(id: number, ip: () => string): Principal | null;
  /** How long a kept session lasts after its last use. */
  keptMs?(): number;
  /** How long a browser's session can last after its sign-in, however often it is used. */
  longestMs?(): number;
  events: EventBus;
  background: Background;
  /** The time by which what is old is deleted; the clock's unless given. */
  retentionNow?: () => number;
  /** Tells of jumps of the wall clock. */
  onJump?(listener: () => void): () => void;
  clock?: Clock;
}

/**
 * All live sessions in memory with their principals. A request costs two look-ups; ending a session or changing a
 * right takes effect with the next request. `last seen` is written in batches.
 */
export class SessionStore implements CredentialResolver {
  readonly #deps: SessionStoreDeps;
  readonly #clock: Clock;
  readonly #live = new Map<string, LiveSession>();
  readonly #byUser = new Map<string, Set<string>>();
  readonly #byCookie = new Map<string, LiveSession>();
  readonly #seen = new Set<string>();
  /** Sessions, and ends of sessions, that couldn't be stored yet; both already apply. */
  readonly #uninserted = new Map<string, SessionRow>();
  readonly #unrevoked = new Set<string>();
  #timer: Repeated | undefined;
  #detach = (): void => {};

  constructor(deps: SessionStoreDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? SYSTEM_CLOCK;
  }

  start(): void {
    const { sessions, background } = this.#deps;
    const kept = (this.#deps.retentionNow ?? (() => this.#clock.now()))() - PURGE_AFTER_MS;
    background.run('old sessions', () => sessions.purge(new Date(kept).toISOString()));
    this.#load();
    this.#detach = this.#deps.onJump?.(() => this.#load()) ?? this.#detach;
    this.#timer = background.every('sessions', FLUSH_MS, () => this.#tidy());
  }

  /** Takes up stored sessions that hold by the present time; after a jump of the clock there can be more of them. */
  #load(): void {
    const { sessions, users } = this.#deps;
    const now = this.#clock.now();
    for (const row of sessions.live(new Date(now).toISOString())) {
      const user = row.user_id === null ? null : users.byId(row.user_id);
      if (user === undefined || this.#live.has(row.id) || this.#unrevoked.has(row.id)) continue;
      const kind = row.cookie_kind;
      const age = Math.max(0, now - Date.parse(row.created_at));
      const left = Math.min(Date.parse(row.expires_at) - now, this.#lengthAt(kind, age));
      if (left <= 0) continue;
      this.#admit({
        id: row.id,
        userId: user === null ? `token:${row.token_id}` : user.id,
        principal: user === null ? null : principalOf(user, users.memberships(user.id), row.id),
        cookie: kind === null || row.cookie_hash === null ? null : { kind, hash: row.cookie_hash, givenAt: 0 },
        ip: row.ip,
        userAgent: row.user_agent,
        createdAt: row.created_at,
        createdMono: this.#clock.monotonic() - age,
        expiresAt: Math.min(Date.parse(row.expires_at), now + left),
        expiresMono: this.#clock.monotonic() + left,
        lastSeen: Date.parse(row.last_seen),
      });
    }
  }

  /** How long a session of this age lasts from now, when it is used now. */
  #lengthAt(kind: CookieKind | null, age: number): number {
    const { keptMs, longestMs } = this.#deps;
    const length = kind === 'kept' ? (keptMs?.() ?? LIFETIME_MS) : LIFETIME_MS;
    return Math.min(length, (longestMs?.() ?? LONGEST_MS) - age);
  }

  stop(): void {
    this.#timer?.stop();
    this.#detach();
    this.flush();
  }

  /** Signs a person in. */
  async open(user: UserRow, from: SignInFrom): Promise<OpenedSession> {
    if (from.cookie !== undefined) return this.#openCookie({ user }, from, from.cookie === 'keep' ? 'kept' : 'session');
    const session = this.#create({ user }, from, null);
    const { id, expiresAt } = session;
    const exp = expiresAt / 1000;
    const secret = await this.#deps.tokens.sign({ sub: user.id, sid: id, exp }, Date.parse(session.createdAt) / 1000);
    return { secret, isCookie: false, expiresAt: new Date(expiresAt).toISOString() };
  }

  /**
   * Signs a browser in with what a program would send: an API token, or a session token, which ends here. Its session is not
   * made longer or newer by that. @throws nothing; the principal was found by that credential
   */
  openFor({ userId, sessionId }: Principal, from: SignInFrom): OpenedSession {
    const old = sessionId === undefined ? undefined : this.#live.get(sessionId);
    if (old === undefined) {
      const tokenId = Number(userId.replace('token:', ''));
      return this.#openCookie({ tokenId }, from, from.cookie === 'keep' ? 'kept' : 'session');
    }
    const user = this.#deps.users.byId(old.userId) as UserRow;
    const opened = this.#openCookie({ user }, from, 'fixed', old);
    this.#end([old.id]);
    return opened;
  }

  #openCookie(holder: Holder, from: SignInFrom, kind: CookieKind, like?: LiveSession): OpenedSession {
    const secret = randomBytes(32).toString('base64url');
    const session = this.#create(holder, from, { kind, hash: digest(secret), givenAt: this.#clock.now() }, like);
    const cookieSeconds = kind === 'kept' ? this.#lengthAt(kind, 0) / 1000 : undefined;
    return { secret, isCookie: true, cookieSeconds, expiresAt: new Date(session.expiresAt).toISOString() };
  }

  /** @param like takes over when this session began and ends */
  #create(holder: Holder, from: SignInFrom, cookie: LiveSession['cookie'], like?: LiveSession): LiveSession {
    const { sessions, users } = this.#deps;
    const now = Math.floor(this.#clock.now() / 1000) * 1000;
    const id = randomBytes(18).toString('base64url');
    const user = 'user' in holder ? holder.user : null;
    const tokenId = 'tokenId' in holder ? holder.tokenId : null;
    this.#makeRoom(user?.id ?? `token:${tokenId}`);
    const length = this.#lengthAt(cookie?.kind ?? null, 0);
    const session: LiveSession = {
      id,
      userId: user?.id ?? `token:${tokenId}`,
      principal: user === null ? null : principalOf(user, users.memberships(user.id), id),
      cookie,
      ip: from.ip,
      userAgent: from.userAgent?.slice(0, 400) ?? null,
      createdAt: like?.createdAt ?? new Date(now).toISOString(),
      createdMono: like?.createdMono ?? this.#clock.monotonic(),
      expiresAt: like?.expiresAt ?? now + length,
      expiresMono: like?.expiresMono ?? this.#clock.monotonic() + length,
      lastSeen: now,
    };
    const row: SessionRow = {
      id,
      user_id: user?.id ?? null,
      token_id: tokenId,
      cookie_hash: cookie?.hash ?? null,
      cookie_kind: cookie?.kind ?? null,
      ip: session.ip,
      user_agent: session.userAgent,
      created_at: session.createdAt,
      last_seen: new Date(now).toISOString(),
      expires_at: new Date(session.expiresAt).toISOString(),
    };
    try {
      sessions.insert(row);
    } catch (error) {
      // an operator must be able to sign in and look, most of all when the disk is full
      if (fileError(error) === undefined) throw error;
      this.#uninserted.set(id, row);
      this.#deps.background.failed('sessions', error);
    }
    this.#admit(session);
    this.#announce('session.started', session);
    return session;
  }

  resolve(credential: string): Principal | null | undefined | Promise<Principal | null> {
    const { tokens } = this.#deps;
    const known = tokens.known(credential);
    if (known !== undefined) return this.#principal(known.sub, known.sid, known.exp);
    if (!tokens.looksLike(credential)) return undefined;
    return tokens
      .verify(credential)
      .then((claims) => (claims === null ? null : this.#principal(claims.sub, claims.sid, claims.exp)));
  }

  resolveCookie(value: string, ip: () => string): Principal | null {
    const session = this.#byCookie.get(digest(value));
    if (session === undefined || this.#clock.monotonic() >= session.expiresMono) return null;
    return session.principal ?? this.#deps.tokenPrincipal?.(Number(session.userId.slice('token:'.length)), ip) ?? null;
  }

  /** Notes that a browser uses its session, which then lasts longer. @returns seconds for which it should be given the cookie again */
  renewCookie(value: string): number | undefined {
    const session = this.#byCookie.get(digest(value));
    if (session?.cookie == null) return undefined;
    const { kind } = session.cookie;
    const now = this.#clock.now();
    const length = this.#lengthAt(kind, this.#clock.monotonic() - session.createdMono);
    if (this.#noteUse(session) && kind !== 'fixed') {
      session.expiresAt = now + length;
      session.expiresMono = this.#clock.monotonic() + length;
    }
    if (kind !== 'kept' || Math.abs(now - session.cookie.givenAt) < RENEW_MS) return undefined;
    session.cookie.givenAt = now;
    return Math.max(0, length / 1000);
  }

  /** Ends the session of a cookie. @returns whose it was; undefined when it was none */
  endCookie(value: string): { id: string; userId: string } | undefined {
    const session = this.#byCookie.get(digest(value));
    if (session === undefined) return undefined;
    this.#end([session.id]);
    return { id: session.id, userId: session.userId };
  }

  /** Live sessions of a person, newest first. */
  list(userId: string, current?: string): Session[] {
    return this.#of(userId)
      .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))
      .map((s) => ({
        id: s.id,
        ip: s.ip,
        userAgent: s.userAgent,
        createdAt: s.createdAt,
        lastSeen: new Date(s.lastSeen).toISOString(),
        expiresAt: new Date(s.expiresAt).toISOString(),
        isBrowser: s.cookie !== null,
        isKept: s.cookie?.kind === 'kept',
        current: s.id === current,
      }));
  }

  /** When the session began, or undefined when it is not live. */
  createdAt(id: string): number | undefined {
    const session = this.#live.get(id);
    return session === undefined ? undefined : Date.parse(session.createdAt);
  }

  lastSeen(userId: string): string | null {
    const times = this.#of(userId).map((s) => s.lastSeen);
    return times.length === 0 ? null : new Date(Math.max(...times)).toISOString();
  }

  count(userId: string): number {
    return this.#of(userId).length;
  }

  /** Ends one session of this person. @returns false when the person has no such live session */
  revoke(userId: string, id: string): boolean {
    if (this.#live.get(id)?.userId !== userId) return false;
    this.#end([id]);
    return true;
  }

  /** Ends all sessions of a person but the given one. @returns how many */
  revokeAll(userId: string, except?: string): number {
    const ids = [...(this.#byUser.get(userId) ?? [])].filter((id) => id !== except);
    this.#end(ids);
    return ids.length;
  }

  /** Applies changed rights of a person to all of the person's sessions. */
  refresh(userId: string): void {
    const ids = this.#byUser.get(userId);
    if (ids === undefined) return;
    const { users } = this.#deps;
    const user = users.byId(userId);
    if (user === undefined) {
      this.#end([...ids]);
      return;
    }
    const memberships = users.memberships(userId);
    for (const id of ids) {
      const session = this.#live.get(id);
      if (session !== undefined) session.principal = principalOf(user, memberships, id);
    }
  }

  /** Ends the session that was unused longest when there are too many. Its row is deleted too: it says nothing of note. */
  #makeRoom(userId: string): void {
    const all = this.#of(userId);
    if (all.length < MAX_SESSIONS) return;
    const { id } = all.reduce((oldest, one) => (one.lastSeen < oldest.lastSeen ? one : oldest));
    this.#end([id]);
    if (!this.#unrevoked.has(id)) this.#deps.sessions.remove(id);
  }

  #storeEnds(): void {
    if (this.#unrevoked.size === 0) return;
    this.#deps.sessions.revokeAll(this.#unrevoked, new Date(this.#clock.now()).toISOString());
    this.#unrevoked.clear();
  }

  /** Writes the last-seen times gathered since the last flush, and what could not be written before. */
  flush(): void {
    for (const [id, row] of this.#uninserted) {
      this.#deps.sessions.insert(row);
      this.#uninserted.delete(id);
    }
    this.#storeEnds();
    if (this.#seen.size === 0) return;
    const uses = [...this.#seen]
      .map((id) => this.#live.get(id))
      .filter((session) => session !== undefined)
      .map(({ id, lastSeen, expiresAt }) => ({
        id,
        last_seen: new Date(lastSeen).toISOString(),
        expires_at: new Date(expiresAt).toISOString(),
      }));
    this.#deps.sessions.touchAll(uses);
    this.#seen.clear();
  }

  #principal(sub: string, sid: string, exp: number): Principal | null {
    const session = this.#live.get(sid);
    if (session === undefined || session.userId !== sub || session.cookie !== null) return null;
    if (exp * 1000 !== session.expiresAt || this.#clock.monotonic() >= session.expiresMono) return null;
    this.#noteUse(session);
    return session.principal;
  }

  /** @returns false when the last use was noted a moment ago */
  #noteUse(session: LiveSession): boolean {
    const now = this.#clock.now();
    if (Math.abs(now - session.lastSeen) < SEEN_EVERY_MS) return false;
    session.lastSeen = now;
    this.#seen.add(session.id);
    return true;
  }

  #of(userId: string): LiveSession[] {
    const now = this.#clock.monotonic();
    return [...(this.#byUser.get(userId) ?? [])]
      .map((id) => this.#live.get(id))
      .filter((session) => session !== undefined && session.expiresMono > now) as LiveSession[];
  }

  #admit(session: LiveSession): void {
    this.#live.set(session.id, session);
    if (session.cookie !== null) this.#byCookie.set(session.cookie.hash, session);
    const ids = this.#byUser.get(session.userId);
    if (ids === undefined) this.#byUser.set(session.userId, new Set([session.id]));
    else ids.add(session.id);
  }

  #end(ids: readonly string[]): void {
    if (ids.length === 0) return;
    for (const id of ids) {
      this.#unrevoked.add(id);
      this.#drop(id);
    }
    try {
      this.#storeEnds();
    } catch (error) {
      this.#deps.background.failed('sessions', error);
    }
  }

  #drop(id: string): void {
    const session = this.#live.get(id);
    if (session === undefined) return;
    this.#live.delete(id);
    if (session.cookie !== null) this.#byCookie.delete(session.cookie.hash);
    this.#seen.delete(id);
    const ids = this.#byUser.get(session.userId);
    ids?.delete(id);
    if (ids?.size === 0) this.#byUser.delete(session.userId);
    this.#announce('session.ended', session);
  }

  #announce(type: 'session.started' | 'session.ended', { id, userId }: LiveSession): void {
    this.#deps.events.publish({ type, user: userId, data: { sessionId: id, userId } });
  }

  #tidy(): void {
    const now = this.#clock.monotonic();
    for (const session of [...this.#live.values()]) if (session.expiresMono <= now) this.#drop(session.id);
    this.flush();
  }
}

const digest = (value: string): string => hash('sha256', value, 'hex');
