import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { DaemonError, UnreachableError } from '#shared/client/errors.ts';
import { logOf, type Remedy, remedyOf } from '#shared/rules/remedies.ts';
import { useMaybeDaemon } from '../../daemon/daemon-context.tsx';
import { HostError } from '../../host/bridge.ts';
import { Copy } from '../data/copy.tsx';
import { ticked } from '../words/ticks.tsx';
import classes from './problem.module.css';
import { RemedyLink } from './remedy-link.tsx';
import { Shape, type Tone } from './state.tsx';
import { Workers } from './workers.tsx';

/** Shows a failure: the daemon's message, its hint, and the details for a report. */
function explain(error: unknown): { message: string; hint?: string | undefined; details: string } {
  if (error instanceof DaemonError) {
    const { trace, requestId, code, status, hint, message } = error;
    const details = [
      message,
      `code: ${code} (HTTP ${status})`,
      `request: ${trace.method} ${trace.path}`,
      `time: ${trace.at}`,
      ...(requestId ? [`request id: ${requestId}`] : []),
    ].join('\n');
    return { message, hint, details };
  }
  if (error instanceof UnreachableError) {
    const { trace, message } = error;
    return { message, details: `${message}\nrequest: ${trace.method} ${trace.path}\ntime: ${trace.at}` };
  }
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof HostError ? error.hint : undefined;
  return { message, hint, details: `${message}\ntime: ${new Date().toISOString()}` };
}

/** The page where it is repaired, and its lines in the log. */
function remediesOf({ code, requestId, trace }: DaemonError): Remedy[] {
  const app = /\/apps\/([^/?]+)/.exec(trace.path)?.[1];
  const found = [remedyOf({ code, app, requestId }), logOf(requestId)].filter((one) => one !== undefined);
  return found.filter(({ label }, index) => found.findIndex((one) => one.label === label) === index);
}

/** A failure where it happened: what, why, what to do. */
export function Problem({
  error,
  title,
  onRetry,
  children,
}: {
  error: unknown;
  /** What was being done, when the daemon's sentence does not say it. */
  title?: string;
  onRetry?: (() => void) | undefined;
  children?: ReactNode;
}) {
  const { message, hint, details } = explain(error);
  const hasDaemon = useMaybeDaemon() !== undefined;
  const remedies = hasDaemon && error instanceof DaemonError ? remediesOf(error) : [];
  return (
    <Notice tone="danger" title={ticked(title ?? message)} role="alert">
      {title ? <p>{ticked(message)}</p> : null}
      {hint && hint !== message ? <p className={classes.hint}>{ticked(hint)}</p> : null}
      {error instanceof DaemonError && error.details.length > 1 ? (
        <ul>
          {error.details.map((detail) => (
            <li key={detail.path + detail.message}>
              <code>{detail.path}</code> {detail.message}
            </li>
          ))}
        </ul>
      ) : null}
      {error instanceof DaemonError ? <Workers body={error.body} /> : null}
      {children}
      <div className={classes.actions}>
        {onRetry ? (
          <Button size="xs" onClick={onRetry}>
            Retry
          </Button>
        ) : null}
        {remedies.map((remedy) => (
          <RemedyLink key={remedy.label} remedy={remedy} />
        ))}
        <span className={classes.copy}>
          <Copy text={details} what="details" />
          Copy details
        </span>
      </div>
    </Notice>
  );
}

/** A message in the flow of a page, with its tone's shape. */
export function Notice({
  tone,
  title,
  children,
  role,
  action,
}: {
  tone: Tone;
  title: ReactNode;
  children?: ReactNode;
  role?: 'alert' | 'status';
  action?: ReactNode;
}) {
  return (
    <div className={classes.notice} data-tone={tone} role={role}>
      <span className={classes.mark}>
        <Shape tone={tone} />
      </span>
      <div className={classes.body}>
        <div className={classes.title}>{title}</div>
        {children}
      </div>
      {action ? <div className={classes.side}>{action}</div> : null}
    </div>
  );
}
