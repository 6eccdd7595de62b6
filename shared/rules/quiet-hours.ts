/** Hours of each day in which a rule sends no messages. An end before the beginning is on the next day. */
export interface QuietHours {
  /** `HH:MM`. */
  from: string;
  to: string;
  /** Name of the IANA database, such as `Europe/Paris`. */
  timeZone: string;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** @throws RangeError for a time zone that isn't known */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    formats.set(timeZone, format);
  }
  return format;
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Is it quiet at this time, by the clocks of the zone? @param at milliseconds since 1970 */
export function isQuiet({ from, to, timeZone }: QuietHours, at: number): boolean {
  const now = formatOf(timeZone).format(at);
  return from <= to ? from <= now && now < to : now >= from || now < to;
}
