import type { countLogs, listLogs } from '#shared/contract/logs.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { hasWords } from '#shared/log-words.ts';
import type { Tone } from '../../ui/feedback/state.tsx';

export type LogRow = ResultOf<typeof listLogs>['data'][number];
export type Histogram = ResultOf<typeof countLogs>['data'];
export type Level = LogRow['level'];

export const LEVELS: readonly Level[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

export const LEVEL_TONES: Record<Level, Tone> = {
  trace: 'muted',
  debug: 'muted',
  info: 'muted',
  warn: 'warn',
  error: 'danger',
  fatal: 'danger',
};

export const isError = ({ level }: LogRow): boolean => level === 'error' || level === 'fatal';

/** Time range one looks: a length, or two instants picked in the histogram. */
export const RANGES = [
  { value: '15m', label: 'Last 15 minutes', ms: 15 * 60_000 },
  { value: '1h', label: 'Last hour', ms: 3_600_000 },
  { value: '6h', label: 'Last 6 hours', ms: 6 * 3_600_000 },
  { value: '24h', label: 'Last 24 hours', ms: 86_400_000 },
  { value: 'yesterday', label: 'Yesterday', ms: undefined },
  { value: '7d', label: 'Last 7 days', ms: 7 * 86_400_000 },
  { value: '30d', label: 'Last 30 days', ms: 30 * 86_400_000 },
  { value: 'all', label: 'Everything', ms: undefined },
] as const;

/** The stretch that a range means when one looks at `now`; yesterday is that of this machine's own zone. */
export function spanOf({ value, ms }: (typeof RANGES)[number], now: number): { since?: string; until: string } {
  const until = new Date(now);
  if (value === 'yesterday') {
    const midnight = new Date(until.getFullYear(), until.getMonth(), until.getDate());
    const before = new Date(until.getFullYear(), until.getMonth(), until.getDate() - 1);
    return { since: before.toISOString(), until: midnight.toISOString() };
  }
  return { ...(ms === undefined ? {} : { since: new Date(now - ms).toISOString() }), until: until.toISOString() };
}

export interface Filter {
  level?: Level;
  source?: string;
  q?: string;
  app?: string;
}

/** Would a search with this filter find the row? For lines that arrive live. */
export function matches(row: LogRow, { level, source, q }: Filter): boolean {
  return (
    (level === undefined || row.level === level) &&
    (source === undefined || row.source === source) &&
    (q === undefined || hasWords(row, q))
  );
}

/** The further fields of a line; an empty object where they cannot be read. */
export function fieldsOf(row: LogRow): Record<string, unknown> {
  if (row.metaJson === null) return {};
  try {
    const fields = JSON.parse(row.metaJson) as unknown;
    return typeof fields === 'object' && fields !== null ? (fields as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** The further fields in a line, for reading along. */
export function fieldsInLine(row: LogRow): string {
  return Object.entries(fieldsOf(row))
    .filter(([name]) => name !== 'app' && name !== 'requestId')
    .map(([name, value]) => {
      const text =
        name === 'err' && typeof value === 'object' && value !== null
          ? String((value as { message?: unknown }).message ?? '')
          : fieldText(value);
      return `${name}=${text.length > 80 ? `${text.slice(0, 80)}…` : text}`;
    })
    .join(' ');
}

export const fieldText = (value: unknown): string =>
  value === undefined ? '' : typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);

/** The request id in details of a failure that were copied in the console. */
export const requestIdIn = (text: string): string | undefined => /request id: ([0-9a-f]+-[0-9a-z]+)/.exec(text)?.[1];

/** A field of a line as text; undefined where it is none. */
export function textField(row: LogRow, name: string): string | undefined {
  const value = fieldsOf(row)[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
