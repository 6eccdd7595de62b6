import { fieldError } from './errors.ts';

// In a URL, a `+` that wasn't encoded arrives as a space, so a space before an offset counts as `+`.
const INSTANT =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?\s*([Zz]|[+\- ]\d{2}(?::?\d{2})?)?)?$/;

/** An instant as answers carry it. @param at milliseconds since 1970 */
export const iso = (at: number): string => new Date(at).toISOString();

/** The last millisecond of a day. */
const DAY_END_MS = 86_399_999;

/** Start and end of a period, as queries carry them (`period` in schema/common.ts). */
export interface PeriodQuery {
  since?: string | undefined;
  until?: string | undefined;
}

/** Both ends are inclusive, in milliseconds; an absent end is open. */
export interface Period {
  since?: number;
  until?: number;
}

/**
 * Reads `since` and `until` of a query. An empty text counts as absent; a date alone covers its whole day.
 * @throws ApiError VALIDATION_FAILED that names the field
 */
export function readPeriod({ since, until }: PeriodQuery): Period {
  return {
    ...(since ? { since: parseInstant(since, 'query.since', false) } : {}),
    ...(until ? { until: parseInstant(until, 'query.until', true) } : {}),
  };
}

/**
 * Reads an instant: ISO-8601, with or without time, seconds and offset; UTC without an offset.
 * @param path the field, for the error
 * @param dayEnd a date alone means the last millisecond of that day, not its first
 * @returns milliseconds since 1970
 * @throws ApiError VALIDATION_FAILED
 */
export function parseInstant(text: string, path: string, dayEnd: boolean): number {
  const match = INSTANT.exec(text.trim());
  const ms = match === null ? Number.NaN : toMs(match, dayEnd);
  if (Number.isNaN(ms))
    throw fieldError(path, 'must be an ISO-8601 date or instant, e.g. 2026-06-30 or 2026-06-30T12:00:00Z');
  return ms;
}

function toMs(match: RegExpExecArray, dayEnd: boolean): number {
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const isDate = match[4] === undefined;
  const fraction = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3));
  // 24:00 and 23:59:60 are legal ISO-8601; a calendar day must exist, it doesn't roll over into the next month.
  if (hour > 24 || minute > 59 || second > 60 || (hour === 24 && (minute > 0 || second > 0))) return Number.NaN;
  const start = new Date(0);
  const date = start.setUTCFullYear(year, month - 1, day);
  if (start.getUTCMonth() !== month - 1 || start.getUTCDate() !== day) return Number.NaN;
  if (isDate) return dayEnd ? date + DAY_END_MS : date;
  return date + ((hour * 60 + minute) * 60 + second) * 1000 + fraction - offsetMs(match[8]);
}

function offsetMs(text: string | undefined): number {
  if (text === undefined || /^[Zz]$/.test(text)) return 0;
  const digits = text.slice(1).replace(':', '');
  const hours = Number(digits.slice(0, 2));
  const minutes = Number(digits.slice(2) || 0);
  if (hours > 23 || minutes > 59) return Number.NaN;
  return (text.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}
