import type { Background } from '#daemon/platform/background.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import { iso } from '#shared/instants.ts';
import { type ConditionId, conditionOf, judge, type Severity } from '#shared/rules/conditions.ts';
import type { AlertRule } from '#shared/schema/alerts.ts';
import type { EventType } from '#shared/schema/events.ts';
import type { Fact } from './facts.ts';
import type { AlertRepository, IncidentRow, Unwatched } from './repository.ts';

/** Within this time after its end, the same incident opens again instead of a new one. */
const REOPEN_MS = 10 * 60_000;
/** One that came back closes when it has been well for so long. */
const CALM_MS = 5 * 60_000;
/** A text that keeps changing, such as one with free space, is written at most so often. */
const REWORD_MS = 60_000;
/** Incidents that are open at the same time; beyond, further ones are only counted in the log. */
const MAX_OPEN = 20_000;

/** What happens to an incident. */
type IncidentNews = EventType & `incident.${string}`;

export interface IncidentsDeps {
  repository: Pick<
    AlertRepository,
    'open' | 'closedSince' | 'lastId' | 'store' | 'silences' | 'putSilence' | 'removeSilence'
  >;
  rules(): readonly AlertRule[];
  bus: EventBus;
  background: Background;
  clock: Clock;
}

/** What the sources found: the facts of the conditions that are known now. */
export interface Findings {
  facts: readonly Fact[];
  /** Conditions whose facts are known; incidents of others stay as they are. */
  known: ReadonlySet<ConditionId>;
  /** Those whose facts are complete: before, what is missing closes no incident of the last run. All unless given. */
  settled?: ReadonlySet<ConditionId>;
}

interface Match {
  rule: AlertRule;
  fact: Fact;
  severity: Severity;
}

const keyOf = (rule: string, subject: string): string => `${rule} ${subject}`;

/** Why the rule doesn’t watch it; null = it does. */
function unwatchedBy(
  rule: AlertRule | undefined,
  { app, name }: { app: string | null | undefined; name: string },
): Unwatched | null {
  if (rule === undefined) return 'deleted';
  if (!rule.enabled) return 'disabled';
  const isOfApps = rule.apps === null || (app != null && rule.apps.includes(app));
  return isOfApps && (rule.nodes === null || rule.nodes.includes(name)) ? null : 'narrowed';
}

/**
 * All open incidents, in memory and in the registry. An incident opens once for each rule and subject, closes by itself, and is
 * kept in memory while the registry can't be written.
 */
export class Incidents {
  readonly #deps: IncidentsDeps;
  readonly #open = new Map<string, IncidentRow>();
  /** Closed a moment ago: they may open again. */
  readonly #closed = new Map<string, IncidentRow>();
  /** Closed ones whose end may have to be announced, perhaps after hours of quiet. */
  readonly #ended = new Set<IncidentRow>();
  /** Monotonic milliseconds since when something holds that has not opened yet. */
  readonly #since = new Map<string, number>();
  /** Monotonic milliseconds since when something that came and went is well. */
  readonly #calm = new Map<string, number>();
  /** Until when a subject of a rule is silent, milliseconds since 1970. */
  readonly #silences = new Map<string, number>();
  readonly #unwritten = new Set<IncidentRow>();
  /** Of the last run, and not seen in this one yet. */
  readonly #restored = new Set<IncidentRow>();
  #lastId: number;

  constructor(deps: IncidentsDeps) {
    this.#deps = deps;
    const { repository, clock } = deps;
    for (const row of repository.open()) {
      this.#open.set(keyOf(row.rule_id, row.subject), row);
      this.#restored.add(row);
    }
    for (const row of repository.closedSince(iso(clock.now() - REOPEN_MS))) {
      this.#closed.set(keyOf(row.rule_id, row.subject), row);
      this.#ended.add(row);
    }
    for (const { rule_id, subject, until } of repository.silences())
      this.#silences.set(keyOf(rule_id, subject), Date.parse(until));
    this.#lastId = repository.lastId();
  }

  /** Open ones, the newest first. */
  open(): IncidentRow[] {
    return [...this.#open.values()].sort((a, b) => b.id - a.id);
  }

  get(id: number): IncidentRow | undefined {
    for (const rows of [this.#open, this.#closed]) for (const row of rows.values()) if (row.id === id) return row;
    return undefined;
  }

  /** Those that may have to be announced: ends first, because the same may have come back. */
  *untold(): Iterable<IncidentRow> {
    for (const row of this.#ended)
      if (row.closed_at === null || row.told === 'closed' || row.told === null) this.#ended.delete(row);
      else yield row;
    yield* this.#open.values();
  }

  silencedUntil({ rule_id, subject }: Pick<IncidentRow, 'rule_id' | 'subject'>): number | null {
    const until = this.#silences.get(keyOf(rule_id, subject));
    return until !== undefined && until > this.#deps.clock.now() ? until : null;
  }

  /** Milliseconds until something opens that holds already; undefined = nothing does. */
  nextOpening(): number | undefined {
    const now = this.#deps.clock.monotonic();
    const rules = new Map(this.#deps.rules().map((rule) => [rule.id, rule]));
    let next: number | undefined;
    for (const [key, since] of this.#since) {
      const rule = rules.get(key.slice(0, key.indexOf(' ')));
      if (rule === undefined) continue;
      const wait = Math.max(0, since + rule.forSeconds * 1000 - now);
      if (next === undefined || wait < next) next = wait;
    }
    return next;
  }

  /** Compares what was found with the rules: opens, updates and closes. */
  update(findings: Findings): void {
    this.#forgetClosed();
    const matches = this.#match(findings.facts);
    const changed = new Map<IncidentRow, IncidentNews>();
    const { known, settled = known } = findings;
    const isKnown = (row: IncidentRow): boolean =>
      known.has(row.condition) && (settled.has(row.condition) || !this.#restored.has(row));
    for (const [key, match] of matches) this.#holds(key, match, changed);
    for (const [key, row] of [...this.#open]) {
      if (matches.has(key)) continue;
      const rule = this.#deps.rules().find(({ id }) => id === row.rule_id);
      const unwatched = unwatchedBy(rule, row);
      if (unwatched !== null) this.#close(key, row, changed, unwatched);
      else if (isKnown(row)) this.#isWell(key, row, changed);
    }
    for (const key of this.#since.keys()) if (!matches.has(key)) this.#since.delete(key);
    this.#linkCauses(changed);
    this.write([...changed.keys()]);
    for (const [row, type] of changed) this.publish(type, row);
  }

  /** Stores rows now; those that can't be written are tried again with the next ones. */
  write(rows: Iterable<IncidentRow>, messages: Parameters<AlertRepository['store']>[1] = []): boolean {
    for (const row of rows) this.#unwritten.add(row);
    const { repository, background } = this.#deps;
    if (this.#unwritten.size === 0 && [...messages].length === 0) {
      // what failed was a message, which is made again
      background.succeeded('incidents');
      return true;
    }
    try {
      repository.store(this.#unwritten, messages);
      this.#unwritten.clear();
      background.succeeded('incidents');
      return true;
    } catch (error) {
      background.failed('incidents', error);
      return false;
    }
  }

  /** Tells the rows' readers. */
  publish(type: IncidentNews, row: IncidentRow): void {
    const { app, tenant_id } = row;
    this.#deps.bus.publish({
      type,
      ...(app === null ? {} : { app }),
      ...(tenant_id === null ? {} : { tenant: tenant_id }),
      data: { id: row.id, condition: row.condition, severity: row.severity, text: row.text },
    });
  }

  acknowledge(row: IncidentRow, by: string): void {
    const at = iso(this.#deps.clock.now());
    Object.assign(row, { acknowledged_at: at, acknowledged_by: by, updated_at: at });
    this.write([row]);
    this.publish('incident.updated', row);
  }

  /** @param until milliseconds since 1970; null ends the silence */
  silence(row: IncidentRow, until: number | null, by: string): void {
    const { repository } = this.#deps;
    const key = keyOf(row.rule_id, row.subject);
    if (until === null) {
      repository.removeSilence(row.rule_id, row.subject);
      this.#silences.delete(key);
    } else {
      repository.putSilence({ rule_id: row.rule_id, subject: row.subject, until: iso(until), created_by: by });
      this.#silences.set(key, until);
    }
    this.publish('incident.updated', row);
  }

  // --- inside ----------------------------------------------------------------------

  #match(facts: readonly Fact[]): Map<string, Match> {
    const byCondition = new Map<ConditionId, Fact[]>();
    for (const fact of facts) {
      const list = byCondition.get(fact.condition);
      if (list === undefined) byCondition.set(fact.condition, [fact]);
      else list.push(fact);
    }
    const matches = new Map<string, Match>();
    for (const rule of this.#deps.rules()) {
      const { threshold } = conditionOf(rule.condition);
      for (const fact of byCondition.get(rule.condition) ?? []) {
        if (unwatchedBy(rule, { app: fact.app?.name, name: fact.name }) !== null) continue;
        let isMild = fact.isMild === true;
        if (threshold !== undefined) {
          const judged = judge(threshold, fact.value ?? Number.NaN, rule.threshold ?? threshold.default);
          if (judged === undefined) continue;
          isMild ||= judged.isMild;
        }
        const severity = isMild ? 'warning' : rule.severity;
        matches.set(keyOf(rule.id, fact.subject), { rule, fact, severity });
      }
    }
    return matches;
  }

  #holds(key: string, match: Match, changed: Map<IncidentRow, IncidentNews>): void {
    const { rule, fact, severity } = match;
    const { clock } = this.#deps;
    this.#calm.delete(key);
    const row = this.#open.get(key);
    if (row === undefined) {
      const since = this.#since.get(key) ?? clock.monotonic();
      this.#since.set(key, since);
      if (clock.monotonic() - since < rule.forSeconds * 1000 || this.#open.size >= MAX_OPEN) return;
      this.#since.delete(key);
      this.#begin(key, match, changed);
      return;
    }
    this.#restored.delete(row);
    const now = clock.now();
    const isWorse = row.severity !== severity;
    const isBack = row.recovering_since !== null;
    const isReworded = row.text !== fact.text && now - Date.parse(row.updated_at) >= REWORD_MS;
    const isKeptLonger = (fact.keptUntil ?? null) !== row.kept_until;
    if (!isWorse && !isBack && !isReworded && !isKeptLonger) return;
    Object.assign(row, {
      severity,
      text: fact.text,
      recovering_since: null,
      kept_until: fact.keptUntil ?? null,
      updated_at: iso(now),
    });
    changed.set(row, 'incident.updated');
  }

  #begin(key: string, { rule, fact, severity }: Match, changed: Map<IncidentRow, IncidentNews>): void {
    const at = iso(this.#deps.clock.now());
    const before = this.#closed.get(key);
    const now = { severity, text: fact.text, updated_at: at, kept_until: fact.keptUntil ?? null };
    // the same incident came back, so its end will be announced again
    if (before !== undefined && conditionOf(rule.condition).keptSeconds === undefined) {
      this.#closed.delete(key);
      const again = { closed_at: null, unwatched: null, acknowledged_at: null, acknowledged_by: null };
      Object.assign(before, now, again, { reopened: before.reopened + 1 });
      if (before.told === 'closed') Object.assign(before, { told: null, told_group: null, told_to: null });
      this.#open.set(key, before);
      changed.set(before, 'incident.opened');
      return;
    }
    this.#lastId += 1;
    const row: IncidentRow = {
      id: this.#lastId,
      rule_id: rule.id,
      condition: rule.condition,
      subject: fact.subject,
      name: fact.name,
      app: fact.app?.name ?? null,
      app_id: fact.app?.id ?? null,
      tenant_id: fact.app?.tenantId ?? fact.tenantId ?? null,
      team_text: conditionOf(rule.condition).teamText ?? null,
      opened_at: at,
      closed_at: null,
      recovering_since: null,
      reopened: 0,
      acknowledged_at: null,
      acknowledged_by: null,
      cause_id: null,
      told: null,
      told_group: null,
      told_to: null,
      unwatched: null,
      ...now,
    };
    this.#open.set(key, row);
    changed.set(row, 'incident.opened');
  }

  /** Nothing is wrong now. One that came back before is believed only after a while. */
  #isWell(key: string, row: IncidentRow, changed: Map<IncidentRow, IncidentNews>): void {
    if (row.reopened === 0) {
      this.#close(key, row, changed);
      return;
    }
    const { clock } = this.#deps;
    const since = this.#calm.get(key);
    if (since === undefined) {
      this.#calm.set(key, clock.monotonic());
      if (row.recovering_since !== null) return;
      const at = iso(clock.now());
      Object.assign(row, { recovering_since: at, updated_at: at });
      changed.set(row, 'incident.updated');
    } else if (clock.monotonic() - since >= CALM_MS) this.#close(key, row, changed);
  }

  #close(
    key: string,
    row: IncidentRow,
    changed: Map<IncidentRow, IncidentNews>,
    unwatched: Unwatched | null = null,
  ): void {
    const at = iso(this.#deps.clock.now());
    // it was over when it began to be well
    Object.assign(row, { closed_at: row.recovering_since ?? at, recovering_since: null, updated_at: at, unwatched });
    this.#open.delete(key);
    this.#restored.delete(row);
    this.#calm.delete(key);
    this.#closed.set(key, row);
    this.#ended.add(row);
    changed.set(row, 'incident.closed');
  }

  /** What follows from LiveKit being away belongs to that incident, while it lasts. */
  #linkCauses(changed: Map<IncidentRow, IncidentNews>): void {
    let away: number | null = null;
    for (const row of this.#open.values())
      if (row.condition === 'livekit-away') away = Math.min(row.id, away ?? row.id);
    for (const row of this.#open.values()) {
      const isOpening = changed.get(row) === 'incident.opened';
      const isCauseOver = row.cause_id !== null && row.cause_id !== away;
      if (isCauseOver) row.cause_id = null;
      else if (away !== null && isOpening && conditionOf(row.condition).followsLiveKit) row.cause_id = away;
      else continue;
      if (!isOpening) changed.set(row, 'incident.updated');
    }
  }

  #forgetClosed(): void {
    const before = this.#deps.clock.now() - REOPEN_MS;
    for (const [key, row] of this.#closed) if (Date.parse(row.updated_at) < before) this.#closed.delete(key);
    const { repository, background, clock } = this.#deps;
    const rules = new Set(this.#deps.rules().map(({ id }) => id));
    for (const [key, until] of this.#silences) {
      const space = key.indexOf(' ');
      const rule = key.slice(0, space);
      if (until > clock.now() && rules.has(rule)) continue;
      this.#silences.delete(key);
      background.run('old silences', () => repository.removeSilence(rule, key.slice(space + 1)));
    }
  }
}
