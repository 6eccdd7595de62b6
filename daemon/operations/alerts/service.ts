import { randomUUID } from 'node:crypto';
import type { Background, Repeated } from '#daemon/platform/background.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import type { Actor } from '#daemon/platform/http/types.ts';
import type { Principal } from '#daemon/platform/principal.ts';
import { isGlobal, isWithin, visibleApps } from '#shared/access.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import { iso, readPeriod } from '#shared/instants.ts';
import { INCIDENTS_KEPT_DAYS } from '#shared/limits.ts';
import { CONDITION_IDS, conditionOf } from '#shared/rules/conditions.ts';
import type {
  AlertChannel,
  AlertCondition,
  AlertRule,
  ChannelTest,
  CreateChannelBody,
  CreateRuleBody,
  Incident,
  IncidentQuery,
  PatchChannelBody,
  PatchRuleBody,
} from '#shared/schema/alerts.ts';
import type { AlertChannels } from './channels.ts';
import type { Incidents } from './incidents.ts';
import type { Moments } from './moments.ts';
import { durationSeconds, testNotice } from './notice.ts';
import type { Notifier } from './notifier.ts';
import type { AlertRepository, IncidentFilter, IncidentRow } from './repository.ts';
import { type AlertRules, defaultsOf } from './rules.ts';
import type { AlertSender } from './sender.ts';
import type { AlertWatch } from './watch.ts';

const DAY_MS = 86_400_000;
const MESSAGES_KEPT_MS = 7 * DAY_MS;
/** Short, because a task that fails is tried again after its interval, and the daemon isn't ready until then. */
const TIDY_MS = 60_000;

export interface AlertServiceDeps {
  repository: AlertRepository;
  rules: AlertRules;
  channels: AlertChannels;
  incidents: Incidents;
  moments: Moments;
  watch: AlertWatch;
  notifier: Notifier;
  sender: AlertSender;
  base(): string;
  bus: EventBus;
  background: Background;
  retentionNow(): number;
  clock: Clock;
}

/** What people see and do: rules, channels, incidents. */
export class AlertService {
  readonly #deps: AlertServiceDeps;
  #tidying: Repeated | undefined;

  constructor(deps: AlertServiceDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { background, moments, incidents, watch, sender } = this.#deps;
    moments.start(incidents.open());
    watch.start();
    sender.start();
    this.#tidying = background.every('old incidents', TIDY_MS, () => this.#tidy());
  }

  async stop(): Promise<void> {
    const { moments, watch, notifier, sender } = this.#deps;
    moments.stop();
    await watch.stop();
    notifier.stop();
    await sender.stop();
    await this.#tidying?.stop();
  }

  // --- rules and channels ----------------------------------------------------------

  listRules(): readonly AlertRule[] {
    return this.#deps.rules.list();
  }

  conditions(): AlertCondition[] {
    return CONDITION_IDS.map((id) => {
      const { title, reads, subject, threshold = null, forSeconds, severity } = conditionOf(id);
      return { id, title, reads, subject, threshold, forSeconds, severity };
    });
  }

  /** Whether such a rule could be stored. @param isNew it would be one more @throws ApiError */
  checkRule(body: CreateRuleBody, isNew: boolean): void {
    this.#checkChannels(body.channels);
    this.#deps.rules.check(body, isNew);
  }

  /** The fields of a rule that says nothing but its condition. */
  defaultRule = defaultsOf;

  createRule(body: CreateRuleBody, actor: Actor): AlertRule {
    this.#checkChannels(body.channels);
    return this.#changed(this.#deps.rules.create(body), actor);
  }

  updateRule(id: string, body: PatchRuleBody, actor: Actor): AlertRule {
    this.#checkChannels(body.channels);
    return this.#changed(this.#deps.rules.update(id, body), actor);
  }

  removeRule(id: string, actor: Actor): AlertRule {
    return this.#changed(this.#deps.rules.remove(id), actor);
  }

  listChannels(): AlertChannel[] {
    return this.#deps.channels.list();
  }

  /** Whether such a channel could be stored. @param kind what it is now; undefined for a new one @throws ApiError */
  checkChannel(body: CreateChannelBody, kind?: string): void {
    if (kind !== undefined && kind !== body.kind)
      throw fieldError('body.kind', 'can’t be changed; give the channel another name to make a new one');
    this.#deps.channels.check(body, kind === undefined);
  }

  /** Whether a channel can be deleted. @param stays whether a rule stays as it is @throws ApiError ALERT_CHANNEL_IN_USE */
  checkChannelRemoval(id: number, stays: (rule: AlertRule) => boolean): void {
    this.#deps.rules.checkWithout(this.#deps.channels.require(id), stays);
  }

  /** What the secret store has for a channel; empty texts for nothing. */
  channelSecrets(id: number): { url: string; secret: string } {
    const { channels } = this.#deps;
    return { url: channels.url(id), secret: channels.secret(id) };
  }

  async createChannel(body: CreateChannelBody, actor: Actor): Promise<AlertChannel> {
    return this.#changed(await this.#deps.channels.create(body), actor);
  }

  async updateChannel(id: number, body: PatchChannelBody, actor: Actor): Promise<AlertChannel> {
    return this.#changed(await this.#deps.channels.update(id, body), actor);
  }

  async removeChannel(id: number, actor: Actor): Promise<AlertChannel> {
    return this.#changed(await this.#deps.channels.remove(id), actor);
  }

  /** Sends a message that says it is a test, and tells what the receiver answered. */
  async testChannel(id: number, actor: Actor): Promise<ChannelTest> {
    const { channels, sender, base, clock } = this.#deps;
    const channel = channels.require(id);
    const since = clock.monotonic();
    const notice = testNotice({ base: base(), at: iso(clock.now()), by: actor.label ?? actor.id });
    let sent = await sender.send(channel, notice, randomUUID());
    // nothing else would resolve it
    if (sent.isDelivered && channel.kind === 'pagerduty')
      sent = await sender.send(channel, { ...notice, kind: 'closed' }, randomUUID());
    const { isDelivered, status, answer, error } = sent;
    sender.noteResult(channel, isDelivered ? null : (error ?? 'It failed.'));
    return { ok: isDelivered, status, answer, error, ms: Math.round(clock.monotonic() - since) };
  }

  // --- incidents ---------------------------------------------------------------------

  list(principal: Principal, query: IncidentQuery): { data: Incident[]; total: number; limit: number; offset: number } {
    const { limit = 100, offset = 0, open, severity, condition, app, ...times } = query;
    const apps = visibleApps(principal);
    if (apps.kind === 'none') return { data: [], total: 0, limit, offset };
    const period = readPeriod(times);
    const since = period.since === undefined ? undefined : iso(period.since);
    const until = period.until === undefined ? undefined : iso(period.until);
    // open ones are complete in memory, also while the registry can't be written
    if (open === true) {
      const rows = this.#deps.incidents
        .open()
        .filter(
          (row) =>
            this.#isVisible(row, principal) &&
            (severity === undefined || row.severity === severity) &&
            (condition === undefined || row.condition === condition) &&
            (app === undefined || row.app === app) &&
            (since === undefined || row.opened_at >= since) &&
            (until === undefined || row.opened_at <= until),
        );
      const data = rows.slice(offset, offset + limit).map((row) => this.#view(row, principal));
      return { data, total: rows.length, limit, offset };
    }
    const filter: IncidentFilter = {
      ...(apps.kind === 'team' ? { tenantId: apps.tenantId } : {}),
      ...(apps.kind === 'app' ? { appId: apps.appId } : {}),
      ...(open === false ? { closed: 1 } : {}),
      severity,
      condition,
      app,
      since,
      until,
    };
    const { rows, total } = this.#deps.repository.page(filter, { limit, offset });
    return { data: rows.map((row) => this.#view(row, principal)), total, limit, offset };
  }

  /** @throws ApiError INCIDENT_NOT_FOUND, also for one that the caller may not see */
  get(principal: Principal, id: number): Incident {
    return this.#view(this.#require(principal, id), principal);
  }

  acknowledge(principal: Principal, id: number, actor: Actor): Incident {
    const row = this.#requireOpen(principal, id);
    if (row.acknowledged_at === null) {
      this.#deps.incidents.acknowledge(row, actor.label ?? principal.email ?? actor.id);
      this.#deps.notifier.acknowledged(row);
    }
    return this.#view(row, principal);
  }

  /** @param seconds undefined ends the silence */
  silence(principal: Principal, id: number, seconds: number | undefined, actor: Actor): Incident {
    const row = this.#requireOpen(principal, id);
    const until = seconds === undefined ? null : this.#deps.clock.now() + seconds * 1000;
    this.#deps.incidents.silence(row, until, actor.label ?? actor.id);
    if (until === null) this.#deps.watch.soon();
    return this.#view(row, principal);
  }

  // --- inside ----------------------------------------------------------------------

  #requireOpen(principal: Principal, id: number): IncidentRow {
    const row = this.#require(principal, id);
    if (row.closed_at !== null) throw new ApiError('INCIDENT_CLOSED', { id });
    const isOwn = isWithin(visibleApps(principal), { appId: row.app_id, tenantId: row.tenant_id });
    if (!isGlobal(principal) && !isOwn) throw new ApiError('GLOBAL_SCOPE_REQUIRED');
    return row;
  }

  #require(principal: Principal, id: number): IncidentRow {
    const row = this.#deps.incidents.get(id) ?? this.#deps.repository.incident(id);
    if (row === undefined || !this.#isVisible(row, principal)) throw new ApiError('INCIDENT_NOT_FOUND', { id });
    return row;
  }

  #isVisible({ app_id: appId, tenant_id: tenantId, team_text }: IncidentRow, principal: Principal): boolean {
    const apps = visibleApps(principal);
    return isWithin(apps, { appId, tenantId }) || (apps.kind === 'team' && team_text !== null);
  }

  #view(row: IncidentRow, principal: Principal): Incident {
    const { incidents } = this.#deps;
    const until = row.closed_at === null ? incidents.silencedUntil(row) : null;
    return {
      id: row.id,
      rule: row.rule_id,
      condition: row.condition,
      subject: { kind: conditionOf(row.condition)?.subject ?? 'installation', id: row.subject, name: row.name },
      app: row.app,
      severity: row.severity,
      text: row.team_text !== null && !isGlobal(principal) ? row.team_text : row.text,
      state: row.closed_at === null ? 'open' : 'closed',
      openedAt: row.opened_at,
      updatedAt: row.updated_at,
      closedAt: row.closed_at,
      durationSeconds: durationSeconds(row),
      recoveringSince: row.recovering_since,
      reopened: row.reopened,
      acknowledgedAt: row.acknowledged_at,
      acknowledgedBy: row.acknowledged_by,
      silencedUntil: until === null ? null : iso(until),
      cause: row.cause_id,
    };
  }

  #checkChannels(ids: readonly number[] | null | undefined): void {
    const known = new Set(this.#deps.channels.all().map(({ id }) => id));
    const missing = ids?.find((id) => !known.has(id));
    if (missing !== undefined) throw fieldError('body.channels', `names no channel (${missing})`);
  }

  #changed<T extends { id: string | number }>(changed: T, actor: Actor): T {
    this.#deps.bus.publish({ type: 'alert.changed', actor, data: { id: changed.id } });
    this.#deps.watch.soon();
    return changed;
  }

  #tidy(): void {
    const now = this.#deps.retentionNow();
    this.#deps.repository.tidy(iso(now - INCIDENTS_KEPT_DAYS * DAY_MS), iso(now - MESSAGES_KEPT_MS));
  }
}
