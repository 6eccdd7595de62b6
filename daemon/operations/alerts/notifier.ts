import { randomUUID } from 'node:crypto';
import type { Background } from '#daemon/platform/background.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import { iso } from '#shared/instants.ts';
import { isQuiet, type QuietHours } from '#shared/rules/quiet-hours.ts';
import type { AlertRule } from '#shared/schema/alerts.ts';
import type { AlertChannels, Channel } from './channels.ts';
import type { Incidents } from './incidents.ts';
import { type Notice, noticeOf, summaryNotice } from './notice.ts';
import type { AlertRepository, IncidentRow, MessageRow } from './repository.ts';

/** What begins within this time of quiet is one message; a rack that loses power is one message. */
const GATHER_MS = 3000;
/** Longest time that something waits for others. */
const GATHER_AT_MOST_MS = 20_000;
const HOUR_MS = 3_600_000;

export interface NotifierDeps {
  repository: Pick<AlertRepository, 'sentSince'>;
  incidents: Incidents;
  channels: AlertChannels;
  rules(): readonly AlertRule[];
  /** Address of the console, for links. */
  base(): string;
  background: Background;
  clock: Clock;
  /** Messages were stored. */
  onStored(): void;
}

type Kind = 'opened' | 'worse' | 'closed';
type NewMessage = Omit<MessageRow, 'attempts'>;

/** Who was told of an incident, and when its end may be told, also if the rule changes or is deleted. */
interface ToldTo {
  channels: readonly number[];
  quietHours: QuietHours | null;
}

const toldTo = ({ told_to }: IncidentRow): ToldTo =>
  told_to === null ? { channels: [], quietHours: null } : (JSON.parse(told_to) as ToldTo);

/** Decides what is announced: each incident once when it opens, when it gets worse and when it closes, together with others of its rule. */
export class Notifier {
  readonly #deps: NotifierDeps;
  /** Wall-clock milliseconds of the messages of the last hour, by channel. */
  readonly #sent = new Map<number, number[]>();
  /** Monotonic milliseconds since when something waits, and when the last of it came. */
  #waiting: { since: number; last: number; count: number } | undefined;
  #cancel: (() => void) | undefined;

  constructor(deps: NotifierDeps) {
    this.#deps = deps;
    const since = iso(deps.clock.now() - HOUR_MS);
    for (const { channel_id, created_at } of deps.repository.sentSince(since))
      this.#count(channel_id, Date.parse(created_at));
  }

  stop(): void {
    this.#cancel?.();
  }

  /** Looks at what has to be announced; called after each look at the facts. */
  look(): void {
    this.#cancel?.();
    const due = this.#due();
    const now = this.#deps.clock.monotonic();
    if (due.length === 0) {
      this.#waiting = undefined;
      this.#summarize();
      return;
    }
    const { since = now, last = now, count = 0 } = this.#waiting ?? {};
    this.#waiting = { since, last: due.length === count ? last : now, count: due.length };
    const wait = Math.min(this.#waiting.last + GATHER_MS, since + GATHER_AT_MOST_MS) - now;
    if (wait > 0) {
      this.#cancel = this.#deps.background.after('alert messages', wait, () => this.look());
      return;
    }
    this.#waiting = undefined;
    this.#tell(due);
    this.#summarize();
  }

  /** An incident was acknowledged: receivers that know that word hear of it. */
  acknowledged(row: IncidentRow): void {
    const group = row.told_group;
    if (group === null) return;
    const open = this.#deps.incidents.open().filter((one) => one.told_group === group);
    if (open.some(({ acknowledged_at }) => acknowledged_at === null)) return;
    const notice = this.#notice('acknowledged', open);
    const messages = this.#receivers('acknowledged', open)
      .filter(({ channel }) => channel.kind === 'pagerduty')
      .map(({ channel }) => this.#message(channel, notice));
    if (messages.length > 0 && this.#deps.incidents.write([], messages)) this.#deps.onStored();
  }

  #due(): { row: IncidentRow; kind: Kind }[] {
    const { incidents, clock } = this.#deps;
    const rules = new Map(this.#deps.rules().map((rule) => [rule.id, rule]));
    const now = clock.now();
    return [...incidents.untold()].flatMap((row) => {
      const { quietHours } = rules.get(row.rule_id) ?? toldTo(row);
      if (quietHours !== null && isQuiet(quietHours, now)) return [];
      const kind = kindOf(row);
      // what is silenced or follows from another incident is announced later if it lasts; its end only if its beginning was
      const isMuted = kind !== 'closed' && (row.cause_id !== null || incidents.silencedUntil(row) !== null);
      return kind === undefined || isMuted ? [] : [{ row, kind }];
    });
  }

  #tell(due: readonly { row: IncidentRow; kind: Kind }[]): void {
    const groups = new Map<string, { kind: Kind; rows: IncidentRow[] }>();
    for (const { row, kind } of due) {
      const key = `${row.rule_id} ${kind} ${row.unwatched}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { kind, rows: [row] });
      else group.rows.push(row);
    }
    const before = due.map(({ row: { told, told_group, told_to } }) => ({ told, told_group, told_to }));
    const messages: NewMessage[] = [];
    for (const { kind, rows } of groups.values()) {
      const [first] = rows as [IncidentRow];
      for (const row of rows) if (kind === 'opened') row.told_group = first.id;
      const receivers = this.#receivers(kind, rows);
      const quietHours = this.#ruleOf(first)?.quietHours ?? null;
      for (const { channel, of } of receivers) messages.push(...this.#messagesOf(channel, kind, of));
      for (const row of rows) {
        row.told = kind === 'closed' ? 'closed' : row.severity;
        if (kind === 'closed') continue;
        const earlier = kind === 'opened' ? [] : toldTo(row).channels;
        const channels = [...new Set([...earlier, ...receivers.map(({ channel }) => channel.id)])];
        row.told_to = JSON.stringify({ channels, quietHours } satisfies ToldTo);
      }
    }
    if (
      this.#deps.incidents.write(
        due.map(({ row }) => row),
        messages,
      )
    ) {
      if (messages.length > 0) this.#deps.onStored();
      return;
    }
    // nothing was stored, so everything is announced later
    for (const [index, { row }] of due.entries()) Object.assign(row, before[index]);
  }

  #messagesOf(channel: Channel, kind: Kind, rows: readonly IncidentRow[]): NewMessage[] {
    // PagerDuty closes what was opened under the same key
    if (channel.kind === 'pagerduty' && kind !== 'opened') return this.#byGroup(channel, kind, rows);
    return this.#take(channel, rows.length) ? [this.#message(channel, this.#notice(kind, rows))] : [];
  }

  #byGroup(channel: Channel, kind: Kind, rows: readonly IncidentRow[]): NewMessage[] {
    const stillOpen = new Set(this.#deps.incidents.open().map(({ told_group }) => told_group));
    return [...new Set(rows.map(({ told_group }) => told_group))].flatMap((group) => {
      if (kind === 'closed' && stillOpen.has(group)) return [];
      const ofGroup = rows.filter((row) => row.told_group === group);
      return [this.#message(channel, this.#notice(kind, ofGroup))];
    });
  }

  #notice(kind: Kind | 'acknowledged', rows: readonly IncidentRow[]): Notice {
    const { incidents, base, clock } = this.#deps;
    const ids = new Set(rows.map(({ id }) => id));
    const followers = incidents.open().filter(({ cause_id }) => cause_id !== null && ids.has(cause_id)).length;
    return noticeOf(kind, rows, { base: base(), at: iso(clock.now()), followers });
  }

  #ruleOf({ rule_id }: IncidentRow): AlertRule | undefined {
    return this.#deps.rules().find(({ id }) => id === rule_id);
  }

  /** Each channel that is told, and of which incidents: first the channels of the rule, then those that were told before. */
  #receivers(
    kind: Kind | 'acknowledged',
    rows: readonly IncidentRow[],
  ): { channel: Channel; of: readonly IncidentRow[] }[] {
    const rule = this.#ruleOf(rows[0] as IncidentRow);
    const isOpening = kind === 'opened' || kind === 'worse';
    return this.#deps.channels.all().flatMap((channel) => {
      if (!channel.enabled || (isOpening && !isFor(channel, rule, rows))) return [];
      const of = isOpening ? rows : rows.filter((row) => toldTo(row).channels.includes(channel.id));
      return of.length === 0 ? [] : [{ channel, of }];
    });
  }

  /** May the channel get one more message within this hour? Otherwise the changes wait for a summary. */
  #take({ id, maxPerHour, held }: Channel, changes: number): boolean {
    if (this.#countOf(id) < maxPerHour && held === 0) {
      this.#count(id, this.#deps.clock.now());
      return true;
    }
    this.#deps.channels.note(id, { held: held + changes });
    return false;
  }

  /** What was held back is sent in one message, as soon as the hour allows. */
  #summarize(): void {
    const { channels, incidents, base, clock } = this.#deps;
    for (const channel of channels.all()) {
      if (channel.held === 0 || this.#countOf(channel.id) >= channel.maxPerHour) continue;
      const notice = summaryNotice(channel.held, incidents.open(), { base: base(), at: iso(clock.now()) });
      if (!incidents.write([], [this.#message(channel, notice)])) return;
      this.#count(channel.id, clock.now());
      channels.note(channel.id, { held: 0 });
      this.#deps.onStored();
    }
  }

  #countOf(channel: number): number {
    const after = this.#deps.clock.now() - HOUR_MS;
    const recent = (this.#sent.get(channel) ?? []).filter((at) => at > after);
    this.#sent.set(channel, recent);
    return recent.length;
  }

  #count(channel: number, at: number): void {
    const times = this.#sent.get(channel);
    if (times === undefined) this.#sent.set(channel, [at]);
    else times.push(at);
  }

  #message({ id }: Channel, notice: Notice): NewMessage {
    const now = this.#deps.clock.now();
    return {
      id: randomUUID(),
      channel_id: id,
      notice_json: JSON.stringify(notice),
      created_at: iso(now),
      next_at: now,
    };
  }
}

/** Whether the rule announces new incidents through the channel. */
function isFor({ id, kind, minSeverity }: Channel, rule: AlertRule | undefined, rows: readonly IncidentRow[]): boolean {
  if (rule?.enabled !== true || rule.channels?.includes(id) === false) return false;
  if (minSeverity === 'critical' && rows.every(({ severity }) => severity !== 'critical')) return false;
  const isOwnFailure = rows.some((row) => row.condition === 'channel-failing' && row.subject === String(id));
  return kind === 'pagerduty' || kind === 'desktop' || !isOwnFailure;
}

/** What has to be announced of an incident now. */
function kindOf({ closed_at, told, severity, acknowledged_at }: IncidentRow): Kind | undefined {
  if (closed_at !== null) return told === null || told === 'closed' ? undefined : 'closed';
  if (told === null || told === 'closed') return acknowledged_at === null ? 'opened' : undefined;
  return told === 'warning' && severity === 'critical' ? 'worse' : undefined;
}
