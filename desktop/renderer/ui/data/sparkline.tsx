import type { Sample } from '../../api/history.ts';
import classes from './sparkline.module.css';

const WIDTH = 88;
const HEIGHT = 20;
const SPAN = 15 * 60_000;
/** A silence longer than this is a gap in the line. */
const GAP = 150_000;

/** The last 15 minutes in a small line from zero; gaps stay gaps. */
export function Sparkline({ samples, max, label }: { samples: readonly Sample[]; max?: number; label: string }) {
  const end = samples.at(-1)?.[0] ?? 0;
  const shown = samples.filter(([at]) => at >= end - SPAN);
  if (shown.length < 2) return <span className={classes.none} title="Waiting for measurements." />;
  const top = max ?? Math.max(...shown.map(([, value]) => value), 1e-9);
  const x = (at: number): number => WIDTH - ((end - at) / SPAN) * WIDTH;
  const y = (value: number): number => HEIGHT - 1 - Math.min(1, value / top) * (HEIGHT - 2);
  let path = '';
  shown.forEach(([at, value], index) => {
    const before = shown[index - 1];
    path += `${before === undefined || at - before[0] > GAP ? 'M' : 'L'}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
  });
  return (
    <svg
      className={classes.spark}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={label}
      preserveAspectRatio="none"
    >
      <path d={path} />
    </svg>
  );
}
