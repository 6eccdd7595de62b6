/** A part of a session's time, milliseconds since 1970. */
export interface Span {
  from: number;
  to: number;
}

const LEAST_MS = 2000;

/** Where a span is in what is shown, as shares of its width; undefined = out of sight. */
export function placeOf(shown: Span, from: number, to: number): { left: number; width: number } | undefined {
  const length = shown.to - shown.from;
  const begin = Math.max(from, shown.from);
  const end = Math.min(to, shown.to);
  if (end < shown.from || begin > shown.to || length <= 0) return undefined;
  return { left: (begin - shown.from) / length, width: Math.max(0, end - begin) / length };
}

/** What is shown after zooming by a factor around a moment, within the whole. */
export function zoomed(whole: Span, shown: Span, factor: number, around = (shown.from + shown.to) / 2): Span {
  const most = whole.to - whole.from;
  const length = Math.min(most, Math.max(Math.min(LEAST_MS, most), (shown.to - shown.from) * factor));
  const share = (around - shown.from) / Math.max(1, shown.to - shown.from);
  return within(whole, around - share * length, length);
}

/** What is shown after moving by a share of its width. */
export const moved = (whole: Span, shown: Span, share: number): Span => {
  const length = shown.to - shown.from;
  return within(whole, shown.from + share * length, length);
};

function within(whole: Span, from: number, length: number): Span {
  const begin = Math.min(Math.max(from, whole.from), whole.to - length);
  return { from: begin, to: begin + length };
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400].map(
  (seconds) => seconds * 1000,
);

/** Round moments for the axis, about so many. */
export function ticksOf({ from, to }: Span, about: number): number[] {
  const wanted = (to - from) / Math.max(1, about);
  const step = STEPS.find((one) => one >= wanted) ?? Math.ceil(wanted / 86_400_000) * 86_400_000;
  // by local time, so that ticks are at whole hours of the person who looks
  const shift = new Date(from).getTimezoneOffset() * 60_000;
  const ticks: number[] = [];
  for (let at = Math.ceil((from - shift) / step) * step + shift; at <= to; at += step) ticks.push(at);
  return ticks;
}
