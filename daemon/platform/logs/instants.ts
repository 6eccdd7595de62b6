import { fieldError } from '#shared/errors.ts';

// a space before an offset is a plus that was not encoded in the URL
const INSTANT =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*([Zz]|[+\- ]\d{2}(?::?\d{2})?)?)?$/;

/**
 * Reads an instant: ISO-8601, with or without time, seconds and offset; UTC without an offset.
 * @param dayEnd a date alone means the last millisecond of that day, not its first
 * @returns milliseconds
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
  const fraction = match[7] === undefined ? 0 : Math.trunc(Number(`0.${match[7]}`) * 1000);
  // 24:00 and 23:59:60 are legal ISO; the calendar day is not allowed to roll over
  if (hour > 24 || minute > 59 || second > 60 || (hour === 24 && (minute > 0 || second > 0))) return Number.NaN;
  const date = Date.UTC(year, month - 1, day);
  const back = new Date(date);
  if (back.getUTCMonth() !== month - 1 || back.getUTCDate() !== day) return Number.NaN;
  if (isDate) return dayEnd ? date + 86_399_999 : date;
  const offset = offsetMs(match[8]);
  return date + ((hour * 60 + minute) * 60 + second) * 1000 + fraction - offset;
}

function offsetMs(text: string | undefined): number {
  if (text === undefined || /^[Zz]$/.test(text)) return 0;
  const digits = text.slice(1).replace(':', '');
  const hours = Number(digits.slice(0, 2));
  const minutes = Number(digits.slice(2) || 0);
  if (hours > 23 || minutes > 59) return Number.NaN;
  return (text.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}
