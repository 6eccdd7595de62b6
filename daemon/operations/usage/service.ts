import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { Background, Repeated } from '#daemon/platform/background.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import { csvLine } from '#daemon/platform/csv.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { Principal } from '#daemon/platform/principal.ts';
import { type VisibleApps, visibleApps } from '#shared/access.ts';
import type { AppUsage, MonthUsage, NodeUsage, UsageQuery } from '#shared/schema/usage.ts';
import type { TrafficRow } from '../history/repository.ts';
import { type UsageRow, usageRepository } from './repository.ts';

const DAY_MS = 86_400_000;
const LOOK_MS = 600_000;
/** Events of a day can be late. */
const LATE_MS = 900_000;
/** How long a day waits for LiveKit's lists. Sessions are kept for two days at least. */
const WAIT_MS = 72_000_000;
/** A daemon that was away for longer has lost what sessions would have told. */
const MOST_DAYS = 400;

interface KnownApp {
  readonly id: number;
  readonly name: string;
  readonly tenantId: string;
}

export interface UsageDeps {
  databases: AppDatabases;
  apps: { entries(): Iterable<AppEntry>; get(name: string): AppEntry | undefined; require(name: string): AppEntry };
  /** The apps that a caller may see. */
  visible(apps: VisibleApps): readonly { name: string }[];
  /** When everything that runs was last compared with LiveKit's lists; null = not since the start. */
  comparedAt(): number | null;
  /** Bytes of nodes by day. */
  traffic(from: number, to: number): TrafficRow[];
  background: Background;
  clock: Pick<Clock, 'now'>;
  log: Log<'warn'>;
  /** The wall clock, but for a jump forward that isn't believed yet. */
  retentionNow(): number;
}

/** What apps, teams and nodes used: minutes, bytes, by day and month. */
export class MonthUsageService {
  readonly #deps: UsageDeps;
  #rolling: Repeated | undefined;
  #isStopped = false;
  /** Apps whose usage could not be read, and that the log has named. */
  readonly #failed = new Set<string>();

  constructor(deps: UsageDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#rolling = this.#deps.background.every('usage of days that are over', LOOK_MS, () => this.roll(), {
      first: 30_000,
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#rolling?.stop();
  }

  /** Keeps what was used on days that are over, before the sessions of these days are deleted. */
  async roll(): Promise<void> {
    const { apps, retentionNow } = this.#deps;
    const now = retentionNow();
    for (const { name } of [...apps.entries()]) {
      if (this.#isStopped) return;
      await nextTurn();
      if (apps.get(name) === undefined) continue;
      try {
        await this.#rollApp(name, now);
        this.#failed.delete(name);
      } catch (err) {
        this.#noteFailure(name, err);
      }
    }
  }

  async #rollApp(name: string, now: number): Promise<void> {
    const sql = () => usageRepository(this.#deps.databases.get(name));
    const end = dayOf(now - LATE_MS);
    // kept while the clock was ahead; later days wait for their turn, because a clock that is behind must not delete the past
    sql().remove(dayOf(now));
    for (let day = this.#firstMissing(name, end); day < end; day += 1) {
      const over = (day + 1) * DAY_MS;
      const isCompared = (this.#deps.comparedAt() ?? 0) >= over;
      // what seems to run can have ended while the daemon or LiveKit was away
      if (!isCompared && now < over + WAIT_MS && sql().isUnderWay(over)) break;
      const row = await this.#day(name, day);
      // what is stored now says nothing about earlier days
      sql().put({ ...row, stored_bytes: day === end - 1 ? sql().stored() : null });
    }
  }

  /** Logs it once for as long as it fails. */
  #noteFailure(name: string, err: unknown): void {
    const { apps, databases, log } = this.#deps;
    if (this.#failed.has(name) || apps.get(name) === undefined || databases.refusal(name) !== undefined) return;
    this.#failed.add(name);
    log.warn({ app: name, err }, 'the usage of an app could not be kept or read');
  }

  async app(name: string, query: UsageQuery): Promise<AppUsage> {
    this.#deps.apps.require(name);
    const month = this.#month(query);
    const days = await this.#days(name, month);
    return {
      app: name,
      month: month.name,
      total: told(sum(days)),
      days: days.map((row) => ({ day: dayText(row.day), ...told(row) })),
    };
  }

  async month(query: UsageQuery, principal: Principal): Promise<MonthUsage> {
    const month = this.#month(query);
    const rows: { app: KnownApp; row: UsageRow }[] = [];
    const unread: KnownApp[] = [];
    for (const { name } of this.#deps.visible(visibleApps(principal))) {
      const app = this.#deps.apps.get(name);
      if (app === undefined) continue;
      try {
        rows.push({ app, row: sum(await this.#days(name, month)) });
      } catch (err) {
        // a bill must not look complete without it
        unread.push(app);
        this.#noteFailure(name, err);
      }
      await nextTurn();
    }
    const teams = Map.groupBy(rows, ({ app }) => app.tenantId);
    return {
      month: month.name,
      apps: rows.map(({ app, row }) => ({ app: app.name, team: app.tenantId, ...told(row) })),
      teams: [...teams].map(([team, own]) => ({ team, apps: own.length, ...told(plus(own.map(({ row }) => row))) })),
      total: told(plus(rows.map(({ row }) => row))),
      unread: unread.map(({ name: app, tenantId: team }) => ({ app, team })),
    };
  }

  /** The month's apps as CSV, to bill from. */
  async csv(query: UsageQuery, principal: Principal): Promise<{ month: string; text: string }> {
    const { month, apps, unread } = await this.month(query, principal);
    const lines = apps.map(({ app, team, ...amounts }) => [month, team, app, ...COLUMNS.map((key) => amounts[key])]);
    const empty = unread.map(({ app, team }) => [month, team, app, ...COLUMNS.map(() => null)]);
    return { month, text: [['month', 'team', 'app', ...COLUMNS], ...lines, ...empty].map(csvLine).join('') };
  }

  nodes(query: UsageQuery): NodeUsage {
    const { name, from, to } = this.#month(query);
    const byNode = Map.groupBy(this.#deps.traffic(from, to), ({ subject }) => subject);
    return {
      month: name,
      nodes: [...byNode].map(([node, rows]) => {
        const days = rows.map((row) => ({
          day: dayText(row.day),
          sentBytes: Math.round(row.sent_bytes),
          receivedBytes: Math.round(row.received_bytes),
        }));
        const total = (key: 'sentBytes' | 'receivedBytes'): number => days.reduce((all, one) => all + one[key], 0);
        return { node, sentBytes: total('sentBytes'), receivedBytes: total('receivedBytes'), days };
      }),
    };
  }

  #month({ month }: UsageQuery): { name: string; from: number; to: number } {
    const today = new Date(this.#deps.clock.now());
    const name = month ?? today.toISOString().slice(0, 7);
    const [year, of] = name.split('-').map(Number) as [number, number];
    const from = dayOf(Date.UTC(year, of - 1));
    return { name, from, to: Math.max(from, Math.min(dayOf(Date.UTC(year, of)), dayOf(today.getTime()) + 1)) };
  }

  /** Days that are kept, and those that aren't yet. */
  async #days(name: string, { from, to }: { from: number; to: number }): Promise<UsageRow[]> {
    const { clock, databases } = this.#deps;
    const known = new Map(
      usageRepository(databases.get(name))
        .days(from, to)
        .map((row) => [row.day, row]),
    );
    const today = dayOf(clock.now());
    const missing = this.#firstMissing(name, today);
    const days: UsageRow[] = [];
    for (let day = from; day < to; day += 1) {
      const isToday = day === today;
      const kept = isToday ? undefined : known.get(day);
      const row = kept ?? (day < missing ? { ...NOTHING, day } : await this.#day(name, day));
      days.push(isToday ? { ...row, stored_bytes: usageRepository(databases.get(name)).stored() } : row);
    }
    return days;
  }

  /** The first day before `end` that is not kept, or `end`. */
  #firstMissing(name: string, end: number): number {
    const sql = usageRepository(this.#deps.databases.get(name));
    const last = sql.lastBefore(end);
    if (last !== null) return last + 1;
    const first = sql.firstSession();
    return first === null ? end - 1 : Math.min(end - 1, Math.max(dayOf(first), end - MOST_DAYS));
  }

  async #day(name: string, day: number): Promise<UsageRow> {
    const sql = () => usageRepository(this.#deps.databases.get(name));
    const { clock, comparedAt } = this.#deps;
    const now = clock.now();
    const known = Math.min(now, Math.max(comparedAt() ?? 0, sql().watched()));
    const span = { from: day * DAY_MS, to: (day + 1) * DAY_MS, now: day < dayOf(now) ? known : now };
    const sums = sql().within(span);
    for (const { id, from_at, to_at } of sql().beyond(span)) {
      sums.session_ms += to_at - from_at;
      sums.participant_ms += sql().stays(id, from_at, to_at);
      await nextTurn();
    }
    return {
      day,
      sessions: sql().begun(span.from, span.to),
      ...sums,
      recorded_s: sql().recorded(span),
      stored_bytes: null,
    };
  }
}

const COLUMNS = ['sessions', 'sessionMinutes', 'participantMinutes', 'recordedMinutes', 'storedBytes'] as const;
const NOTHING: UsageRow = { day: 0, sessions: 0, session_ms: 0, participant_ms: 0, recorded_s: 0, stored_bytes: null };
const dayOf = (at: number): number => Math.floor(at / DAY_MS);
const dayText = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);

/** Of one app: amounts are added up, and what is stored is the last that is known. */
const sum = (days: readonly UsageRow[]): UsageRow => ({
  ...plus(days),
  stored_bytes: days.findLast(({ stored_bytes }) => stored_bytes !== null)?.stored_bytes ?? null,
});

const plus = (rows: readonly UsageRow[]): UsageRow =>
  rows.reduce(
    (a, b) => ({
      day: b.day,
      sessions: a.sessions + b.sessions,
      session_ms: a.session_ms + b.session_ms,
      participant_ms: a.participant_ms + b.participant_ms,
      recorded_s: a.recorded_s + b.recorded_s,
      stored_bytes: a.stored_bytes === null ? b.stored_bytes : a.stored_bytes + (b.stored_bytes ?? 0),
    }),
    NOTHING,
  );

const minutes = (ms: number): number => Math.round(ms / 600) / 100;
const told = ({ sessions, session_ms, participant_ms, recorded_s, stored_bytes }: UsageRow) => ({
  sessions,
  sessionMinutes: minutes(session_ms),
  participantMinutes: minutes(participant_ms),
  recordedMinutes: minutes(recorded_s * 1000),
  storedBytes: stored_bytes,
});
