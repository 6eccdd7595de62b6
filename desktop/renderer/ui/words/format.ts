import { duration } from '#shared/format.ts';

export { bitrate, bytes, count, duration, plural } from '#shared/format.ts';

/** Of 0..1: `42 %`. */
export const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** Length of a recording: `1:02:09`. */
export function clock(seconds: number): string {
  const s = Math.round(seconds);
  const parts = [Math.floor(s / 3600), Math.floor((s % 3600) / 60), s % 60];
  const [h, m, sec] = parts.map((part) => String(part).padStart(2, '0'));
  return parts[0] === 0 ? `${Number(m)}:${sec}` : `${Number(h)}:${m}:${sec}`;
}

const exact = new Intl.DateTimeFormat('en-GB', {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'long',
});
const sameYear = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});
const otherYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const dayTime = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** The time with its zone, for tooltips. */
export const exactTime = (at: string): string => exact.format(new Date(at));
/** `14:05:09`, local. */
export const timeOfDay = (at: string): string => dayTime.format(new Date(at));
/** `23 Nov, 14:05`, local. */
export function dateTime(at: string, now = Date.now()): string {
  const date = new Date(at);
  return (date.getFullYear() === new Date(now).getFullYear() ? sameYear : otherYear).format(date);
}

/** How long ago: `now`, `4 min ago`; from a week on the date. */
export function ago(at: string, now: number): string {
  const seconds = (now - Date.parse(at)) / 1000;
  if (seconds < 5) return 'now';
  return seconds < 7 * 86_400 ? `${duration(seconds)} ago` : dateTime(at, now);
}

/** Recordings among the VOD rows of an app, or of all; an attempt that failed is none. */
export const recordingsOf = (figures: { vodCount: number; vodFailed: number } | undefined): number =>
  figures === undefined ? 0 : figures.vodCount - figures.vodFailed;
