import type { ReactNode } from 'react';
import classes from './state.module.css';

export type Tone = 'ok' | 'warn' | 'danger' | 'info' | 'muted' | 'busy';

const SHAPES: Record<Tone, ReactNode> = {
  ok: <circle cx="6" cy="6" r="4.5" />,
  warn: <path d="M6 1.2 11.2 10.6H.8Z" />,
  danger: <path d="M6 .6 11.4 6 6 11.4.6 6Z" />,
  info: <rect x="1.7" y="1.7" width="8.6" height="8.6" rx="1.5" />,
  muted: <circle cx="6" cy="6" r="3.7" fill="none" stroke="currentColor" strokeWidth="1.6" />,
  busy: <path d="M6 1.5A4.5 4.5 0 1 0 10.5 6H6Z" />,
};

/** A state's shape; its word is beside it, or in `label` for screen readers. */
export function Shape({ tone, label }: { tone: Tone; label?: string }) {
  return (
    <svg
      className={classes.shape}
      data-tone={tone}
      viewBox="0 0 12 12"
      role={label ? 'img' : undefined}
      aria-label={label}
      aria-hidden={label ? undefined : true}
    >
      {SHAPES[tone]}
    </svg>
  );
}

/** State as shape, colour and word. */
export function State({ tone, children, title }: { tone: Tone; children: ReactNode; title?: string }) {
  return (
    <span className={classes.state} data-tone={tone} title={title}>
      <Shape tone={tone} />
      <span>{children}</span>
    </span>
  );
}

/** A short word in a tinted box: scope, role, kind. */
export function Tag({ tone = 'muted', children, title }: { tone?: Tone; children: ReactNode; title?: string }) {
  return (
    <span className={classes.tag} data-tone={tone} title={title}>
      {children}
    </span>
  );
}
