import { duration, plural, sentence } from '#shared/format.ts';
import { type ConditionId, conditionOf, type Severity } from '#shared/rules/conditions.ts';
import type { IncidentRow, Unwatched } from './repository.ts';

type NoticeKind = 'opened' | 'worse' | 'closed' | 'acknowledged' | 'summary' | 'test';

/** An incident in a message. */
interface ToldIncident {
  id: number;
  condition: ConditionId;
  rule: string;
  subject: string;
  app: string | null;
  severity: Severity;
  text: string;
  openedAt: string;
  closedAt: string | null;
  durationSeconds: number | null;
}

/** One message of a channel, before it takes the receiver's form. */
export interface Notice {
  kind: NoticeKind;
  severity: Severity;
  title: string;
  lines: string[];
  /** At most `LISTED_INCIDENTS` of them. */
  incidents: ToldIncident[];
  /** How many incidents it is about. */
  count: number;
  /** Page of the console. */
  url: string;
  at: string;
  /** Incidents of one message have the same. */
  group: number | null;
}

const UNWATCHED: Readonly<Record<Unwatched, string>> = {
  deleted: 'The rule was deleted, so this is no longer watched.',
  disabled: 'The rule was turned off, so this is no longer watched.',
  narrowed: 'The rule is for other apps or nodes now, so this is no longer watched.',
};

const LISTED_INCIDENTS = 50;
const LISTED_LINES = 10;

export const durationSeconds = ({ opened_at, closed_at }: IncidentRow): number | null =>
  closed_at === null ? null : Math.max(0, Math.round((Date.parse(closed_at) - Date.parse(opened_at)) / 1000));

/** A message about incidents of one rule. @param base address of the console */
export function noticeOf(
  kind: 'opened' | 'worse' | 'closed' | 'acknowledged',
  rows: readonly IncidentRow[],
  { base, at, followers = 0 }: { base: string; at: string; followers?: number },
): Notice {
  const [first] = rows as [IncidentRow];
  const condition = conditionOf(first.condition);
  const count = rows.length;
  const isOver = kind === 'closed' && first.unwatched === null;
  const severity = rows.some((row) => row.severity === 'critical') ? 'critical' : 'warning';
  const lines = rows.slice(0, LISTED_LINES).map((row) => {
    const seconds = durationSeconds(row);
    return isOver && seconds !== null ? `${sentence(row.text)} It lasted ${duration(seconds)}.` : sentence(row.text);
  });
  if (count > LISTED_LINES) lines.push(`And ${count - LISTED_LINES} more.`);
  if (followers > 0) lines.push(`${plural(followers, 'further incident')} followed from it.`);
  if (first.unwatched !== null) lines.push(UNWATCHED[first.unwatched]);
  if (rows.some((row) => row.reopened > 0) && kind !== 'closed')
    lines.push('It came back a short time after it was over.');
  if (kind === 'acknowledged' && first.acknowledged_by !== null)
    lines.push(`Acknowledged by ${first.acknowledged_by}.`);
  return {
    kind,
    severity,
    title: titleOf(kind, rows, condition),
    lines,
    incidents: rows.slice(0, LISTED_INCIDENTS).map((row) => ({
      id: row.id,
      condition: row.condition,
      rule: row.rule_id,
      subject: row.name,
      app: row.app,
      severity: row.severity,
      text: row.text,
      openedAt: row.opened_at,
      closedAt: row.closed_at,
      durationSeconds: durationSeconds(row),
    })),
    count,
    url: count === 1 ? `${base}/alerts?incident=${first.id}` : `${base}/alerts`,
    at,
    group: first.told_group,
  };
}

function titleOf(
  kind: 'opened' | 'worse' | 'closed' | 'acknowledged',
  rows: readonly IncidentRow[],
  { many, closed }: ReturnType<typeof conditionOf>,
): string {
  const [first] = rows as [IncidentRow];
  const several = `${rows.length} ${many}`;
  switch (kind) {
    case 'closed':
      if (first.unwatched !== null) return `No longer watched: ${rows.length === 1 ? first.text : several}`;
      return rows.length === 1 ? `Over: ${closed} (${first.name})` : `Over: ${several}`;
    case 'worse':
      return rows.length === 1 ? `Now critical: ${first.text}` : `Now critical: ${several}`;
    case 'acknowledged':
      return rows.length === 1 ? `Acknowledged: ${first.text}` : `Acknowledged: ${several}`;
    default:
      return rows.length === 1 ? first.text : several;
  }
}

/** What a channel didn’t get because of its limit. */
export const summaryNotice = (
  held: number,
  open: readonly IncidentRow[],
  { base, at }: { base: string; at: string },
): Notice => ({
  kind: 'summary',
  severity: open.some(({ severity }) => severity === 'critical') ? 'critical' : 'warning',
  title: `${plural(held, 'further change')} of incidents`,
  lines: [
    'This channel had reached its limit of messages an hour.',
    open.length === 0 ? 'No incident is open now.' : `${plural(open.length, 'incident is', 'incidents are')} open now:`,
    ...open.slice(0, LISTED_LINES).map(({ text }) => sentence(text)),
  ],
  incidents: [],
  count: held,
  url: `${base}/alerts`,
  at,
  group: null,
});

export const testNotice = ({ base, at, by }: { base: string; at: string; by: string }): Notice => ({
  kind: 'test',
  severity: 'warning',
  title: 'Test of StreamHub’s alerts',
  lines: [`${by} sent this test. Nothing is wrong.`],
  incidents: [],
  count: 0,
  url: `${base}/alerts`,
  at,
  group: null,
});
