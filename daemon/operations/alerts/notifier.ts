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

/** Whether it was announced, and its end was not. */
const isTold = ({ told }: IncidentRow): boolean => told !== null && told !== 'closed';

/** Whether the channel was told that it is open. */
const knows = ({ id }: Channel, row: IncidentRow): boolean => isTold(row) && toldTo(row).channels.includes(id);

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

  /** An incident was acknowledged: receivers that know that word hear of it, once all is acknowledged that they were told of under its key. */
  acknowledged(row: IncidentRow): void {
    const group = row.told_group;
    if (group === null) return;
    const open = this.#deps.incidents.open().filter((one) => one.told_group === group);
    const receivers = this.#receivers('acknowledged', open).filter(
      ({ channel, of }) =>
        channel.kind === 'pagerduty' && of.includes(row) && of.every(({ acknowledged_at }) => acknowledged_at !== null),
    );
    this.#store([], () => receivers.map(({ channel, of }) => this.#message(channel, this.#notice('acknowledged', of))));
  }

  #due(): { row: IncidentRow; kind: Kind }[] {
    return [...this.#deps.incidents.untold()].flatMap((row) => {
      const kind = kindOf(row);
      return kind !== undefined && this.#mayTell(row, kind) ? [{ row, kind }] : [];
    });
  }

  /** Not in quiet hours. What is silenced or follows from another incident is announced later if it lasts; its end only if its beginning was. */
  #mayTell(row: IncidentRow, kind: Kind): boolean {
    const { incidents, clock } = this.#deps;
    const { quietHours } = this.#ruleOf(row) ?? toldTo(row);
    if (quietHours !== null && isQuiet(quietHours, clock.now())) return false;
    return kind === 'closed' || (row.cause_id === null && incidents.silencedUntil(row) === null);
  }

  #tell(due: readonly { row: IncidentRow; kind: Kind }[]): void {
    const groups = new Map<string, { kind: Kind; rows: IncidentRow[] }>();
    for (const { row, kind } of due) {
      const key = `${row.rule_id} ${kind} ${row.unwatched}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { kind, rows: [row] });
      else group.rows.push(row);
    }
    this.#store(
      due.map(({ row }) => row),
      () => [...groups.values()].flatMap(({ kind, rows }) => this.#tellGroup(kind, rows)),
    );
  }

  #tellGroup(kind: Kind, rows: readonly IncidentRow[]): NewMessage[] {
    const [first] = rows as [IncidentRow];
    if (kind === 'opened') for (const row of rows) row.told_group = first.id;
    const news = this.#receivers(kind, rows).map(({ channel, of }) => ({
      id: channel.id,
      ...this.#newsFor(channel, kind, of),
    }));
    for (const row of rows) {
      row.told = kind === 'closed' ? 'closed' : row.severity;
      if (kind === 'closed') continue;
      const channels = news.flatMap(({ id, told }) => (told.has(row) ? [id] : []));
      this.#noteTold(row, channels);
    }
    return news.flatMap(({ messages }) => messages);
  }

  #noteTold(row: IncidentRow, channels: readonly number[]): void {
    const all = [...new Set([...toldTo(row).channels, ...channels])];
    const quietHours = this.#ruleOf(row)?.quietHours ?? null;
    row.told_to = JSON.stringify({ channels: all, quietHours } satisfies ToldTo);
  }

  /** Stores rows that are changed, and the messages of the change; false = they could not be written, so all is announced later. */
  #store(rows: readonly IncidentRow[], change: () => NewMessage[]): boolean {
    const before = rows.map(({ told, told_group, told_to }) => ({ told, told_group, told_to }));
    const messages = change();
    if (rows.length === 0 && messages.length === 0) return true;
    if (this.#deps.incidents.write(rows, messages)) {
      if (messages.length > 0) this.#deps.onStored();
      return true;
    }
    for (const [index, row] of rows.entries()) Object.assign(row, before[index]);
    return false;
  }

  /** The messages of a change, and the incidents that the channel knows by them or by a later summary. */
  #newsFor(
    channel: Channel,
    kind: Kind,
    rows: readonly IncidentRow[],
  ): { messages: NewMessage[]; told: ReadonlySet<IncidentRow> } {
    if (channel.kind !== 'pagerduty') {
      const messages = this.#take(channel, rows.length) ? [this.#message(channel, this.#notice(kind, rows))] : [];
      return { messages, told: new Set(rows) };
    }
    // PagerDuty closes what was opened under the same key; what is held back is opened later
    const known = new Set(this.#deps.incidents.open().flatMap((row) => (knows(channel, row) ? [row.told_group] : [])));
    const groups = [...Map.groupBy(rows, ({ told_group }) => told_group)].flatMap(([group, of]) => {
      const isSent = kind === 'closed' ? !known.has(group) : known.has(group) || this.#take(channel, of.length);
      return isSent ? [of] : [];
    });
    const messages = groups.map((of) => this.#message(channel, this.#notice(kind, of)));
    return { messages, told: new Set(groups.flat()) };
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

  /** May the channel get one more message within this hour? Otherwise the changes are held back. */
  #take({ id, maxPerHour }: Channel, changes: number): boolean {
    const { held } = this.#deps.channels.require(id);
    if (this.#countOf(id) < maxPerHour && held === 0) {
      this.#count(id, this.#deps.clock.now());
      return true;
    }
    this.#deps.channels.note(id, { held: held + changes });
    return false;
  }

  /** What was held back is told as soon as the hour allows. */
  #summarize(): void {
    for (const channel of this.#deps.channels.all()) {
      const free = channel.maxPerHour - this.#countOf(channel.id);
      if (!channel.enabled || channel.held === 0 || free <= 0) continue;
      if (channel.kind === 'pagerduty') this.#openHeld(channel, free);
      else this.#sendSummary(channel);
    }
  }

  #sendSummary(channel: Channel): void {
    const { incidents, base, clock } = this.#deps;
    const notice = summaryNotice(channel.held, incidents.open(), { base: base(), at: iso(clock.now()) });
    if (this.#store([], () => [this.#message(channel, notice)])) this.#noteSent(channel, { messages: 1, held: 0 });
  }

  /** What PagerDuty was not told of and still lasts, each group under its key: nothing would resolve a summary. */
  #openHeld(channel: Channel, free: number): void {
    const held = this.#deps.incidents
      .open()
      .reverse()
      .filter(
        (row) =>
          isTold(row) &&
          row.acknowledged_at === null &&
          !knows(channel, row) &&
          isFor(channel, this.#ruleOf(row), [row]),
      );
    const due = held.filter((row) => this.#mayTell(row, 'opened'));
    const groups = [...Map.groupBy(due, ({ told_group }) => told_group).values()].slice(0, free);
    const rows = groups.flat();
    const isStored = this.#store(rows, () => {
      for (const row of rows) this.#noteTold(row, [channel.id]);
      return groups.map((of) => this.#message(channel, this.#notice('opened', of)));
    });
    if (isStored) this.#noteSent(channel, { messages: groups.length, held: held.length - rows.length });
  }

  #noteSent(channel: Channel, { messages, held }: { messages: number; held: number }): void {
    for (let n = 0; n < messages; n += 1) this.#count(channel.id, this.#deps.clock.now());
    if (held !== channel.held) this.#deps.channels.note(channel.id, { held });
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
