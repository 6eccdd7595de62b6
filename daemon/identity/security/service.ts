import type { Background, Repeated } from '#daemon/platform/background.ts';
import { boundedCache } from '#daemon/platform/bounded-cache.ts';
import { type Clock, SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import { addressKey } from '#daemon/platform/http/client-address.ts';
import type { Actor } from '#daemon/platform/http/types.ts';
import type { Log } from '#daemon/platform/log.ts';
import { AddressSet, isPrivateAddress, parseAddress, rangeText } from '#daemon/platform/net/addresses.ts';
import type { SettingValues } from '#daemon/platform/settings.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import type { AddressVerdict, CreateIpBanBody, CreateIpRuleBody, IpBan, IpRule } from '#shared/schema/security.ts';
import type { BanRow, RuleRow, SecurityRepository } from './repository.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MAX_BAN_S = 7 * 86_400;
const FORGET_MS = 30 * DAY_MS;
const TIDY_MS = 60_000;
/** Minutes over which offences of all addresses are counted. */
const OFFENCE_MINUTES = 10;
const MAX_WATCHED = 50_000;

export interface SecurityOptions {
  mode: 'off' | 'log' | 'enforce';
  allowlistOnly: boolean;
  autoban: { enabled: boolean; maxOffenses: number; windowSeconds: number; baseTtlSeconds: number };
}
/** The address rules and bans of the settings. */
export const addressOptions = (settings: SettingValues): SecurityOptions => ({
  mode: settings.ipAccessMode,
  allowlistOnly: settings.ipAllowlistOnly,
  autoban: {
    enabled: settings.autobanEnabled,
    maxOffenses: settings.autobanMaxOffenses,
    windowSeconds: settings.autobanWindowSeconds,
    baseTtlSeconds: settings.autobanBaseTtlSeconds,
  },
});

export interface SecurityDeps {
  repository: SecurityRepository;
  options: SecurityOptions;
  background: Background;
  events: EventBus;
  /** The time by which what is old is deleted; the clock's unless given. */
  retentionNow?: () => number;
  log: Log<'warn'>;
  clock?: Clock;
  /** Tells by how many milliseconds the clock jumped; returns the end of it. */
  onJump?(listener: (ms: number) => void): () => void;
}

interface Rule {
  row: RuleRow;
  set: AddressSet;
  expires: number;
}
interface Offender {
  count: number;
  until: number;
}

/**
 * Which addresses may connect: the operator's rules, and bans, automatic or manual. Everything is decided from memory.
 * Loopback and private addresses always pass, so nobody can lock the operator's own network out.
 */
export class AddressGuard {
  readonly #deps: SecurityDeps;
  readonly #clock: Clock;
  #rules: Rule[] = [];
  readonly #bans = new Map<string, BanRow>();
  readonly #offenders = boundedCache<string, Offender>(MAX_WATCHED);
  /** Bans that couldn't be stored yet. They already apply. */
  readonly #unstored = new Map<string, BanRow>();
  /** Offences of the last minutes, with the minute on the monotonic clock. */
  #recent: { minute: number; count: number }[] = [];
  #timer: Repeated | undefined;

  #detach = (): void => {};

  constructor(deps: SecurityDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? SYSTEM_CLOCK;
  }

  get options(): SecurityOptions {
    return this.#deps.options;
  }

  start(): void {
    this.#load();
    this.#detach = this.#deps.onJump?.((ms) => this.#shift(ms)) ?? this.#detach;
    this.#timer = this.#deps.background.every('address rules', TIDY_MS, () => this.#tidy());
  }

  stop(): void {
    this.#detach();
    this.#timer?.stop();
  }

  /** True while nothing could be refused or counted, so that requests need not be looked at. */
  get isIdle(): boolean {
    return this.options.mode === 'off' && this.#bans.size === 0 && !this.options.autoban.enabled;
  }

  /** @throws ApiError IP_BANNED, IP_BLOCKED */
  check(ip: string): void {
    const { mode } = this.options;
    if (isPrivateAddress(ip)) return;
    const ban = this.#banOf(ip);
    if (ban !== undefined) {
      const seconds = Math.max(1, Math.ceil((Date.parse(ban.expires_at) - this.#clock.now()) / 1000));
      throw new ApiError(
        'IP_BANNED',
        { seconds },
        { headers: { 'retry-after': String(seconds) }, extra: { data: null, error: 'rate_limited' } },
      );
    }
    if (mode === 'off') return;
    const { blocked, reason } = this.#decide(ip);
    if (!blocked) return;
    if (mode === 'log') this.#deps.log.warn({ ip, reason }, 'would be rejected: address rule');
    else throw new ApiError('IP_BLOCKED', {}, { extra: { data: null, error: 'forbidden' } });
  }

  /** Counts an offence (wrong credential, spent limit); enough of them in the window ban the address, longer each time. */
  offend(ip: string, reason: string): void {
    this.#countOffence();
    const { enabled, maxOffenses, windowSeconds } = this.options.autoban;
    if (!enabled || isPrivateAddress(ip) || this.#decide(ip).rule?.row.action === 'allow') return;
    const key = addressKey(ip);
    const now = this.#clock.monotonic();
    let offender = this.#offenders.get(key);
    if (offender === undefined || offender.until <= now) {
      offender = { count: 0, until: now + windowSeconds * 1000 };
      this.#offenders.set(key, offender);
    }
    offender.count += 1;
    if (offender.count < maxOffenses) return;
    this.#offenders.delete(key);
    this.#autoban(key, reason);
  }

  /** Offences within the last ten minutes, from all addresses. */
  get recentOffences(): number {
    const oldest = this.#minute() - OFFENCE_MINUTES;
    return this.#recent.reduce((sum, { minute, count }) => (minute > oldest ? sum + count : sum), 0);
  }

  #countOffence(): void {
    const minute = this.#minute();
    const last = this.#recent.at(-1);
    if (last?.minute === minute) last.count += 1;
    else this.#recent = [...this.#recent.slice(1 - OFFENCE_MINUTES), { minute, count: 1 }];
  }

  #minute(): number {
    return Math.floor(this.#clock.monotonic() / 60_000);
  }

  /** Addresses that were banned automatically within the last hour and still are. */
  get recentBans(): number {
    const now = this.#clock.now();
    return [...this.#bans.values()].filter(
      (row) => row.kind === 'auto' && this.#isActive(row, now) && now - Date.parse(row.banned_at) < HOUR_MS,
    ).length;
  }

  /** Would the address be rejected with these options? */
  shutsOut(options: SecurityOptions, ip: string): boolean {
    return options.mode === 'enforce' && !isPrivateAddress(ip) && this.#decide(ip, options).blocked;
  }

  verdict(text: string): AddressVerdict {
    const ip = checkedAddress(text, 'query.ip');
    const isPrivate = isPrivateAddress(ip);
    const answer = { ip, isPrivate, rule: null, ban: null };
    if (isPrivate) return { ...answer, verdict: 'pass', reason: 'Loopback and private addresses are always allowed.' };
    const ban = this.#banOf(ip);
    if (ban !== undefined) {
      return { ...answer, verdict: 'banned', reason: `Banned until ${ban.expires_at}.`, ban: this.#toBan(ban) };
    }
    const { blocked, reason, rule } = this.#decide(ip);
    return { ...answer, verdict: blocked ? 'blocked' : 'pass', reason, rule: rule ? toRule(rule.row) : null };
  }

  listRules(): IpRule[] {
    // first: asking for the time can reload the rules
    const now = this.#clock.now();
    return this.#rules.filter((rule) => rule.expires > now).map((rule) => toRule(rule.row));
  }

  /** The range as it is stored; undefined for a text that is none. */
  rangeOf = (text: string): string | undefined => rangeText(text);

  /** @returns the range as it is stored @throws ApiError WOULD_SHUT_YOU_OUT, VALIDATION_FAILED */
  checkRule(body: CreateIpRuleBody, actor: Actor): string {
    const cidr = rangeText(body.cidr);
    if (cidr === undefined) throw fieldError('body.cidr', 'is neither an address nor a CIDR range');
    if (body.action === 'block' && !body.force) this.#spare(actor, new AddressSet([cidr]));
    return cidr;
  }

  /** @throws ApiError IP_RULE_EXISTS, WOULD_SHUT_YOU_OUT */
  createRule(body: CreateIpRuleBody, actor: Actor): IpRule {
    const cidr = this.checkRule(body, actor);
    if (this.listRules().some((rule) => rule.cidr === cidr)) throw new ApiError('IP_RULE_EXISTS', { cidr });
    const now = this.#clock.now();
    const expires = body.expiresInSeconds === undefined ? null : new Date(now + body.expiresInSeconds * 1000);
    const expired = this.#rules.find((rule) => rule.row.cidr === cidr);
    if (expired !== undefined) this.#deps.repository.removeRule(expired.row.id);
    const id = this.#deps.repository.addRule({
      cidr,
      action: body.action,
      note: body.note?.trim() || null,
      created_at: new Date(now).toISOString(),
      created_by: actor.id,
      expires_at: expires?.toISOString() ?? null,
    });
    this.#load();
    const rule = this.listRules().find((one) => one.id === id) as IpRule;
    const { action } = rule;
    this.#deps.events.publish({ type: 'address-rule.created', actor, data: { id, cidr, action } });
    return rule;
  }

  /** @throws ApiError IP_RULE_NOT_FOUND */
  deleteRule(id: number, actor: Actor): IpRule {
    const rule = this.#rules.find((r) => r.row.id === id);
    if (rule === undefined) throw new ApiError('IP_RULE_NOT_FOUND', { id });
    this.#deps.repository.removeRule(id);
    this.#load();
    const { cidr, action } = rule.row;
    this.#deps.events.publish({ type: 'address-rule.deleted', actor, data: { id, cidr, action } });
    return toRule(rule.row);
  }

  listBans(): IpBan[] {
    const now = this.#clock.now();
    return this.#deps.repository.bans().map((row) => this.#toBan(row, now));
  }

  /** @throws ApiError WOULD_SHUT_YOU_OUT */
  createBan(body: CreateIpBanBody, actor: Actor): IpBan {
    const ip = checkedAddress(body.ip, 'body.ip');
    if (isPrivateAddress(ip)) throw fieldError('body.ip', 'is loopback or private; these addresses are never banned');
    const key = addressKey(ip);
    if (!body.force) this.#spare(actor, new AddressSet([key]));
    const offenses = (this.#bans.get(key)?.offenses ?? 0) + 1;
    return this.#toBan(this.#ban(key, 'manual', body.reason?.trim() || null, offenses, body.seconds ?? 3600, actor));
  }

  /** @throws ApiError IP_BAN_NOT_FOUND */
  deleteBan(id: number, actor: Actor): IpBan {
    const row = this.#deps.repository.bans().find((ban) => ban.id === id);
    if (row === undefined) throw new ApiError('IP_BAN_NOT_FOUND', { id });
    this.#deps.repository.removeBan(id);
    this.#bans.delete(row.ip);
    this.#offenders.delete(row.ip);
    this.#deps.events.publish({ type: 'address-ban.lifted', actor, data: { id, address: row.ip } });
    return this.#toBan(row);
  }

  /** Addresses whose offences are being counted. */
  get watched(): number {
    return this.#offenders.size;
  }

  get activeBans(): number {
    const now = this.#clock.now();
    return [...this.#bans.values()].filter((row) => this.#isActive(row, now)).length;
  }

  #autoban(key: string, reason: string): void {
    const before = this.#deps.repository.bans().find((row) => row.ip === key);
    const offenses = (before?.offenses ?? 0) + 1;
    const seconds = Math.min(MAX_BAN_S, this.options.autoban.baseTtlSeconds * 2 ** (offenses - 1));
    try {
      this.#ban(key, 'auto', reason, offenses, seconds);
    } catch (error) {
      // the ban applies already; the refused request must not fail for another reason
      this.#deps.background.failed('address rules', error);
    }
    this.#deps.log.warn({ ip: key, reason, seconds, offenses }, 'address banned');
  }

  #ban(
    ip: string,
    kind: BanRow['kind'],
    reason: string | null,
    offenses: number,
    seconds: number,
    actor?: Actor,
  ): BanRow {
    const now = this.#clock.now();
    const ban = {
      ip,
      kind,
      reason,
      offenses,
      banned_at: new Date(now).toISOString(),
      expires_at: new Date(now + seconds * 1000).toISOString(),
    };
    if (kind === 'auto') {
      const unstored = { id: 0, ...ban };
      this.#unstored.set(ip, unstored);
      this.#bans.set(ip, unstored);
    }
    const row = this.#deps.repository.ban(ban);
    this.#unstored.delete(ip);
    this.#bans.set(ip, row);
    const data = { id: row.id, address: ip, kind, expiresAt: row.expires_at };
    this.#deps.events.publish({ type: 'address-ban.created', ...(actor === undefined ? {} : { actor }), data });
    return row;
  }

  #banOf(ip: string): BanRow | undefined {
    const now = this.#clock.now();
    const row = this.#bans.get(addressKey(ip));
    return row !== undefined && this.#isActive(row, now) ? row : undefined;
  }

  /** Bans that the daemon made by itself count only while it is told to make them. */
  #isActive(row: BanRow, now: number): boolean {
    return Date.parse(row.expires_at) > now && (row.kind === 'manual' || this.options.autoban.enabled);
  }

  /** An allow rule wins over a block rule. */
  #decide(ip: string, { allowlistOnly } = this.options): { blocked: boolean; reason: string; rule?: Rule } {
    const now = this.#clock.now();
    let block: Rule | undefined;
    for (const rule of this.#rules) {
      if (rule.expires <= now || !rule.set.has(ip)) continue;
      if (rule.row.action === 'allow') return { blocked: false, reason: `Allowed by ${rule.row.cidr}.`, rule };
      block ??= rule;
    }
    if (block !== undefined) return { blocked: true, reason: `Blocked by ${block.row.cidr}.`, rule: block };
    if (allowlistOnly) return { blocked: true, reason: 'Only addresses with an allow rule are allowed.' };
    return { blocked: false, reason: 'No rule matches it.' };
  }

  #spare(actor: Actor, set: AddressSet): void {
    if (actor.ip !== undefined && !isPrivateAddress(actor.ip) && set.has(actor.ip)) {
      throw new ApiError('WOULD_SHUT_YOU_OUT', { ip: actor.ip });
    }
  }

  #load(): void {
    const { repository } = this.#deps;
    this.#rules = repository.rules().map((row) => ({
      row,
      set: new AddressSet([row.cidr]),
      expires: row.expires_at === null ? Number.POSITIVE_INFINITY : Date.parse(row.expires_at),
    }));
    this.#bans.clear();
    const now = this.#clock.now();
    for (const row of [...repository.bans(), ...this.#unstored.values()])
      if (this.#isActive(row, now)) this.#bans.set(row.ip, row);
  }

  /** A ban and a rule last as long as was said, although the clock was set. */
  #shift(ms: number): void {
    for (const ban of this.#unstored.values()) ban.expires_at = new Date(Date.parse(ban.expires_at) + ms).toISOString();
    this.#deps.repository.shift(ms);
    this.#load();
  }

  #tidy(): void {
    const mono = this.#clock.monotonic();
    for (const [key, offender] of [...this.#offenders]) if (offender.until <= mono) this.#offenders.delete(key);
    this.#load();
    for (const [ip, { id: _none, ...ban }] of this.#unstored) {
      this.#bans.set(ip, this.#deps.repository.ban(ban));
      this.#unstored.delete(ip);
    }
    const now = (this.#deps.retentionNow ?? (() => this.#clock.now()))();
    this.#deps.repository.purge(new Date(now).toISOString(), new Date(now - FORGET_MS).toISOString());
  }

  #toBan(row: BanRow, now = this.#clock.now()): IpBan {
    return {
      id: row.id,
      ip: row.ip,
      kind: row.kind,
      reason: row.reason,
      offenses: row.offenses,
      bannedAt: row.banned_at,
      expiresAt: row.expires_at,
      active: this.#isActive(row, now),
    };
  }
}

function checkedAddress(text: string, path: string): string {
  const address = parseAddress(text.trim());
  if (address === undefined) throw fieldError(path, 'is not an IPv4 or IPv6 address');
  return address.toString();
}

const toRule = (row: RuleRow): IpRule => ({
  id: row.id,
  cidr: row.cidr,
  action: row.action,
  note: row.note,
  createdAt: row.created_at,
  createdBy: row.created_by,
  expiresAt: row.expires_at,
});
