import { hash, randomBytes } from 'node:crypto';
import type { Background, Repeated } from '#daemon/platform/background.ts';
import { type Clock, SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import type { Actor } from '#daemon/platform/http/types.ts';
import { AddressSet } from '#daemon/platform/net/addresses.ts';
import type { CredentialResolver, Principal } from '#daemon/platform/principal.ts';
import { isAppTokens } from '#shared/access.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import { parseInstant } from '#shared/instants.ts';
import { PERMISSIONS, type Permission } from '#shared/permissions.ts';
import type { CreateTokenBody, TokenRecord } from '#shared/schema/tokens.ts';
import type { TokenRepository, TokenRow } from './repository.ts';

const PREFIX = 'sk_';
const FLUSH_MS = 10_000;

/** The plaintext of a token to come. */
export const newToken = (): string => PREFIX + randomBytes(32).toString('base64url');

interface LiveToken {
  id: number;
  principal: Principal;
  addresses: AddressSet | null;
  /** Milliseconds since 1970; infinite = never. */
  expiresAt: number;
}

export interface TokenServiceDeps {
  repository: TokenRepository;
  /** Looks an app up by id, for app-scope tokens. */
  appById(id: number): { id: number; tenantId: string } | undefined;
  events: EventBus;
  background: Background;
  clock?: Clock;
}

/**
 * API tokens: `sk_` and 43 characters, kept as SHA-256 only. All live tokens are held in memory by hash, so that
 * authentication touches no database; last-used times are written in batches.
 */
export class TokenService implements CredentialResolver {
  readonly #deps: TokenServiceDeps;
  readonly #clock: Clock;
  readonly #live = new Map<string, LiveToken>();
  readonly #hashById = new Map<number, string>();
  /** Tokens used since the last flush, and from where. */
  readonly #used = new Map<number, string>();
  #timer: Repeated | undefined;

  constructor(deps: TokenServiceDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? SYSTEM_CLOCK;
  }

  start(): void {
    for (const row of this.#deps.repository.live()) this.#admit(row);
    this.#timer = this.#deps.background.every('tokens', FLUSH_MS, () => this.flush());
  }

  stop(): void {
    this.#timer?.stop();
    this.flush();
  }

  /** True when someone can already sign in with a global token without limits. */
  get hasGlobalToken(): boolean {
    return [...this.#live.values()].some(
      ({ principal, expiresAt }) =>
        principal.scope === 'global' &&
        !principal.readOnly &&
        principal.limitedTo === undefined &&
        expiresAt > this.#clock.now(),
    );
  }

  resolve(credential: string, ip: () => string): Principal | null | undefined {
    if (!credential.startsWith(PREFIX)) return undefined;
    const token = this.#live.get(digest(credential));
    return token === undefined ? null : this.#use(token, ip);
  }

  #use(token: LiveToken, ip: () => string): Principal | null {
    if (token.expiresAt <= this.#clock.now()) return null;
    if (token.addresses !== null && !token.addresses.has(ip())) return null;
    if (!this.#used.has(token.id)) this.#used.set(token.id, ip());
    return token.principal;
  }

  /** What the token may do from this address, for a browser whose session it opened; null when it has ended. */
  principal(id: number, ip: () => string): Principal | null {
    const token = this.#live.get(this.#hashById.get(id) ?? '');
    return token === undefined ? null : this.#use(token, ip);
  }

  list(): TokenRecord[] {
    this.#deps.background.run('last use of tokens', () => this.flush());
    return this.#deps.repository.all().map(toRecord);
  }

  /** @returns the id and the plaintext, which is kept nowhere */
  create(body: CreateTokenBody, actor: Actor): { id: number; token: string } {
    const token = newToken();
    return { id: this.#store(token, body, actor), token };
  }

  /** Id of a token that is valid. */
  idOf(token: string): number | undefined {
    return this.#live.get(digest(token))?.id;
  }

  /** Stores a token whose text was chosen before (STREAMHUB_API_TOKEN). */
  adopt(token: string, body: CreateTokenBody, actor: Actor): number {
    return this.#store(token, body, actor);
  }

  /** Revoking twice is not an error. @throws ApiError TOKEN_NOT_FOUND */
  revoke(id: number, actor: Actor): void {
    const row = this.#deps.repository.byId(id);
    if (row === undefined) throw new ApiError('TOKEN_NOT_FOUND', { id });
    this.#forget(id);
    if (row.revoked) return;
    this.#deps.repository.revoke(id);
    this.#deps.events.publish({ type: 'token.revoked', actor, data: { id, name: row.name, scope: row.scope } });
  }

  /** Revokes what an account has made since, and what was made with those tokens. */
  revokeMadeBy(userId: string, since: string, actor: Actor): void {
    for (const { id } of this.#deps.repository.madeBy(userId, since)) {
      this.revoke(id, actor);
      this.revokeMadeBy(`token:${id}`, since, actor);
    }
  }

  /** Drops the tokens of a deleted app from memory; their rows cascade away with the app's. */
  forgetApp(appId: number): void {
    for (const token of [...this.#live.values()]) if (token.principal.appId === appId) this.#forget(token.id);
  }

  /** Writes the last-used times gathered since the last flush. */
  flush(): void {
    if (this.#used.size === 0) return;
    const at = new Date(this.#clock.now()).toISOString();
    this.#deps.repository.touchAll(this.#used, at);
    this.#used.clear();
  }

  /** Whether such a token could be created. @throws ApiError VALIDATION_FAILED */
  check({ scope, appId, ...body }: CreateTokenBody): void {
    // an app that is about to be created has no id yet
    if (scope === 'global' || appId !== undefined)
      this.#target({ ...body, scope, ...(appId === undefined ? {} : { appId }) });
    this.#limits({ ...body, scope });
  }

  #limits(body: CreateTokenBody) {
    const limits = {
      name: body.name.trim(),
      allowed_ips_json: JSON.stringify(checkedAddresses(body.allowedIps ?? [])),
      expires_at: this.#expiry(body.expiresAt),
      limited_to: limitOf(body),
    };
    if (limits.name === '') throw fieldError('body.name', 'must not be blank');
    return limits;
  }

  #store(token: string, body: CreateTokenBody, actor: Actor): number {
    const row = {
      token_hash: digest(token),
      scope: body.scope,
      ...this.#target(body),
      ...this.#limits(body),
      created_at: new Date(this.#clock.now()).toISOString(),
      created_by: actor.id,
    };
    const id = this.#deps.repository.insert(row);
    this.#admit({ ...row, id, last_used_at: null, last_used_ip: null, revoked: 0 });
    this.#deps.events.publish({
      type: 'token.created',
      actor,
      data: { id, name: row.name, scope: row.scope, appId: row.app_id },
    });
    return id;
  }

  #expiry(text: string | undefined): string | null {
    if (text === undefined) return null;
    const at = parseInstant(text, 'body.expiresAt', true);
    if (at <= this.#clock.now()) throw fieldError('body.expiresAt', 'must be in the future');
    return new Date(at).toISOString();
  }

  #target(body: CreateTokenBody): { app_id: number | null; tenant_id: string } {
    if (body.scope === 'global') {
      if (body.appId !== undefined) throw fieldError('body.appId', 'is only for scope "app"');
      return { app_id: null, tenant_id: 'platform' };
    }
    if (body.appId === undefined) throw fieldError('body.appId', 'is required with scope "app"');
    const app = this.#deps.appById(body.appId);
    if (app === undefined) throw fieldError('body.appId', `names no app (${body.appId})`);
    return { app_id: app.id, tenant_id: app.tenantId };
  }

  #admit(row: TokenRow): void {
    const addresses = storedAddresses(row.allowed_ips_json);
    const global = row.scope === 'global';
    const principal: Principal = Object.freeze({
      userId: `token:${row.id}`,
      tenantId: row.tenant_id,
      role: 'service' as const,
      isSuperadmin: global,
      scope: row.scope,
      via: 'api_token' as const,
      label: row.name,
      ...(row.app_id === null ? {} : { appId: row.app_id }),
      ...storedLimit(row.limited_to),
    });
    const expiresAt = row.expires_at === null ? Number.POSITIVE_INFINITY : Date.parse(row.expires_at);
    this.#live.set(row.token_hash, { id: row.id, principal, addresses, expiresAt });
    this.#hashById.set(row.id, row.token_hash);
  }

  #forget(id: number): void {
    const known = this.#hashById.get(id);
    if (known !== undefined) this.#live.delete(known);
    this.#hashById.delete(id);
    this.#used.delete(id);
  }
}

const digest = (token: string): string => hash('sha256', token, 'hex');

function checkedAddresses(entries: readonly string[]): string[] {
  return entries.map((entry, index) => {
    try {
      new AddressSet([entry]);
    } catch {
      throw fieldError(`body.allowedIps.${index}`, 'is neither an address nor a CIDR range');
    }
    return entry.trim();
  });
}

function limitOf({ readOnly, permissions, scope }: CreateTokenBody): string | null {
  if (permissions === undefined) return readOnly ? 'read' : null;
  if (readOnly) throw fieldError('body.permissions', 'can’t be combined with readOnly');
  const beyond = permissions.find((one) => scope === 'app' && !isAppTokens(one));
  if (beyond !== undefined) throw fieldError('body.permissions', `has ${beyond}, which no token of one app can have`);
  return JSON.stringify(permissions);
}

/** A stored limit that cannot be read allows nothing. */
function storedLimit(text: string | null): Pick<Principal, 'readOnly' | 'limitedTo'> {
  if (text === null) return {};
  return text === 'read' ? { readOnly: true } : { limitedTo: permissionsIn(text) };
}

function permissionsIn(text: string): Permission[] {
  try {
    const list = JSON.parse(text) as unknown[];
    return PERMISSIONS.filter((one) => list.includes(one));
  } catch {
    return [];
  }
}

/** A stored list that cannot be read allows nothing: broken data must not open a restricted token. */
function storedAddresses(json: string): AddressSet | null {
  try {
    const entries: unknown = JSON.parse(json);
    if (!Array.isArray(entries)) return new AddressSet([]);
    return entries.length === 0 ? null : new AddressSet(entries as string[]);
  } catch {
    return new AddressSet([]);
  }
}

function toRecord(row: TokenRow): TokenRecord {
  let allowedIps: string[] = [];
  try {
    allowedIps = (JSON.parse(row.allowed_ips_json) as string[]).map(String);
  } catch {
    // shown as unrestricted would be wrong; the token itself is refused everywhere
    allowedIps = ['(unreadable)'];
  }
  return {
    id: row.id,
    name: row.name,
    scope: row.scope,
    appId: row.app_id,
    allowedIps,
    readOnly: row.limited_to === 'read',
    permissions: row.limited_to === null || row.limited_to === 'read' ? null : permissionsIn(row.limited_to),
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    lastUsedIp: row.last_used_ip,
    createdAt: row.created_at,
    revoked: row.revoked === 1,
  };
}
