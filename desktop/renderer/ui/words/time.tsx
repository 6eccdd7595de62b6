import { ago, dateTime, exactTime } from './format.ts';
import { useNow } from './now.ts';

/** How long ago, growing as one looks; the exact time with its zone on hover. */
export function Ago({ at, never = 'never' }: { at: string | null | undefined; never?: string }) {
  const isRecent = at != null && Date.now() - Date.parse(at) < 90_000;
  const now = useNow(isRecent ? 1000 : 15_000);
  if (at == null) return <span className="dim">{never}</span>;
  return (
    <time dateTime={at} title={exactTime(at)}>
      {ago(at, Math.max(now, Date.parse(at)))}
    </time>
  );
}

/** Date and time of day, local; with its zone on hover. */
export function At({ at }: { at: string }) {
  return (
    <time dateTime={at} title={exactTime(at)}>
      {dateTime(at)}
    </time>
  );
}
