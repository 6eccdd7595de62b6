import type { ReactNode } from 'react';
import { ago, dateTime, exactTime } from './format.ts';
import { useNow } from './now.ts';

/** An instant in any words; on hover exactly, with its zone. Every time of the console is one of these. */
export function Time({ at, className, children }: { at: string; className?: string | undefined; children: ReactNode }) {
  return (
    <time dateTime={at} title={exactTime(at)} className={className}>
      {children}
    </time>
  );
}

/** How long ago, growing as one looks. */
export function Ago({ at, never = 'never' }: { at: string | null | undefined; never?: string }) {
  const isRecent = at != null && Date.now() - Date.parse(at) < 90_000;
  const now = useNow(isRecent ? 1000 : 15_000);
  if (at == null) return <span className="dim">{never}</span>;
  return <Time at={at}>{ago(at, Math.max(now, Date.parse(at)))}</Time>;
}

/** Date and time of day, local. */
export function At({ at }: { at: string }) {
  return <Time at={at}>{dateTime(at)}</Time>;
}
