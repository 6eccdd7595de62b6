import type { Tone } from '../feedback/state.tsx';
import classes from './bar.module.css';

/** A share as a bar; what it means is beside it. */
export function Bar({ share, tone = 'info', label }: { share: number; tone?: Tone; label: string }) {
  const value = Math.max(0, Math.min(1, share));
  return (
    <div className={classes.bar} data-tone={tone} role="img" aria-label={label} title={label}>
      <div style={{ width: `${value * 100}%` }} />
    </div>
  );
}

/** Progress. Without a total, it only shows that work is under way. */
export function Progress({ done, total, label }: { done: number; total: number | null; label: string }) {
  const isKnown = total !== null && total > 0;
  return (
    <div
      className={classes.bar}
      data-tone="info"
      data-unknown={!isKnown || undefined}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      {...(isKnown ? { 'aria-valuenow': Math.floor((done / total) * 100) } : {})}
    >
      <div style={{ width: isKnown ? `${Math.min(100, (done / total) * 100)}%` : '35%' }} />
    </div>
  );
}

/** Load from 0 to 1: quiet while there is room, loud when there is none. */
export const loadTone = (share: number): Tone => (share >= 0.92 ? 'danger' : share >= 0.8 ? 'warn' : 'info');
