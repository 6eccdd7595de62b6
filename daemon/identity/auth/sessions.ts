import { randomBytes } from 'node:crypto';
import type { Background, Repeated } from '#daemon/platform/background.ts';
import { type Clock, SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import { fileError } from '#daemon/platform/files/file-errors.ts';
import type { CredentialResolver, Principal } from '#daemon/platform/principal.ts';
import type { Session } from '#shared/schema/auth.ts';
import type { UserRow, UserStore } from '../people/user-store.ts';
import type { SessionTokens } from './jwt.ts';
import { principalOf } from './principals.ts';
import type { SessionRepository, SessionRow } from './session-repository.ts';

export const LIFETIME_MS = 12 * 60 * 60 * 1000;
const SEEN_EVERY_MS = 60_000;
const FLUSH_MS = 15_000;
const PURGE_AFTER_MS = 30 * 86_400_000;

interface LiveSession {
  id: string;
  userId: string;
  principal: Principal;
  ip: string | null;
  userAgent: string | null;
  createdAt: string;
  expiresAt: number;
  /** The same on the monotonic clock: a jump of the wall clock neither ends nor prolongs a session. */
  expiresMono: number;
  lastSeen: number;
}

/** The client of a sign-in. */
export interface SignInFrom {
  ip: string;
  userAgent: string | undefined;
}

export interface SessionStoreDeps {
  sessions: SessionRepository;
  users: UserStore;
  tokens: SessionTokens;
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
      const user = users.byId(row.user_id);
      if (user === undefined || this.#live.has(row.id) || this.#unrevoked.has(row.id)) continue;
      this.#admit({
        id: row.id,
        userId: row.user_id,
        principal: principalOf(user, users.memberships(user.id), row.id),
        ip: row.ip,
        userAgent: row.user_agent,
        createdAt: row.created_at,
        expiresAt: Date.parse(row.expires_at),
        expiresMono: this.#clock.monotonic() + Math.min(Date.parse(row.expires_at) - now, LIFETIME_MS),
        lastSeen: Date.parse(row.last_seen),
      });
    }
  }

  stop(): void {
    this.#timer?.stop();
    this.#detach();
    this.flush();
  }

  /** Signs a person in. @returns the session token */
  async open(user: UserRow, from: SignInFrom): Promise<string> {
    const { sessions, users, tokens } = this.#deps;
    const now = Math.floor(this.#clock.now() / 1000) * 1000;
    const id = randomBytes(18).toString('base64url');
    const expiresAt = now + LIFETIME_MS;
    const token = await tokens.sign({ sub: user.id, sid: id, exp: expiresAt / 1000 }, now / 1000);
    const createdAt = new Date(now).toISOString();
    const session: LiveSession = {
      id,
      userId: user.id,
      principal: principalOf(user, users.memberships(user.id), id),
      ip: from.ip,
      userAgent: from.userAgent?.slice(0, 400) ?? null,
      createdAt,
      expiresAt,
      expiresMono: this.#clock.monotonic() + LIFETIME_MS,
      lastSeen: now,
    };
    const row: SessionRow = {
      id,
      user_id: user.id,
      ip: session.ip,
      user_agent: session.userAgent,
      created_at: createdAt,
      last_seen: createdAt,
      expires_at: new Date(expiresAt).toISOString(),
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
    return token;
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
    const uses: [string, string][] = [];
    for (const id of this.#seen) {
      const session = this.#live.get(id);
      if (session !== undefined) uses.push([id, new Date(session.lastSeen).toISOString()]);
    }
    this.#deps.sessions.touchAll(uses);
    this.#seen.clear();
  }

  #principal(sub: string, sid: string, exp: number): Principal | null {
    const session = this.#live.get(sid);
    if (session === undefined || session.userId !== sub) return null;
    if (exp * 1000 !== session.expiresAt || this.#clock.monotonic() >= session.expiresMono) return null;
    const now = this.#clock.now();
    if (Math.abs(now - session.lastSeen) >= SEEN_EVERY_MS) {
      session.lastSeen = now;
      this.#seen.add(sid);
    }
    return session.principal;
  }

  #of(userId: string): LiveSession[] {
    const now = this.#clock.monotonic();
    return [...(this.#byUser.get(userId) ?? [])]
      .map((id) => this.#live.get(id))
      .filter((session) => session !== undefined && session.expiresMono > now) as LiveSession[];
  }

  #admit(session: LiveSession): void {
    this.#live.set(session.id, session);
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
