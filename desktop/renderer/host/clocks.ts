import { create } from 'zustand';

/** By how many milliseconds the clock of each daemon is ahead of this machine's, by connection. */
export const useClocks = create<Record<string, number>>(() => ({}));

/** Milliseconds. Answers tell the time in whole seconds; a smaller difference is none. */
const PRECISION = 5000;

/** Takes the daemon's time from the `Date` of an answer. One that was long under way tells too little. */
export function noteTime(connectionId: string, date: string | undefined, sentAt: number): void {
  const now = Date.now();
  const ahead = Date.parse(date ?? '') + 1000 - now;
  const known = useClocks.getState()[connectionId] ?? 0;
  if (!(Math.abs(ahead - known) >= PRECISION) || now - sentAt > PRECISION) return;
  useClocks.setState({ [connectionId]: Math.abs(ahead) < PRECISION ? 0 : ahead });
}
