import { Button } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { DaemonError } from '#shared/client/errors.ts';
import { useMaybeDaemon } from '../../daemon/daemon-context.tsx';
import { Empty } from '../feedback/empty.tsx';
import { Notice, Problem } from '../feedback/problem.tsx';
import { Ago } from '../words/time.tsx';
import classes from './query-view.module.css';

/** True once loading has taken longer than a blink; keeps skeletons from flashing. */
export function useSlow(isLoading: boolean, after = 100): boolean {
  const [isSlow, setSlow] = useState(false);
  useEffect(() => {
    if (!isLoading) {
      setSlow(false);
      return;
    }
    const timer = setTimeout(() => setSlow(true), after);
    return () => clearTimeout(timer);
  }, [isLoading, after]);
  return isSlow && isLoading;
}

/** Lines of a page that is on its way. */
export function SkeletonRows({ rows = 8 }: { rows?: number }) {
  return (
    <div className={classes.skeleton} role="progressbar" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
        <div key={row} style={{ width: `${92 - ((row * 37) % 45)}%` }} />
      ))}
    </div>
  );
}

type Read<T> = Pick<
  UseQueryResult<T, Error>,
  'data' | 'error' | 'isPending' | 'dataUpdatedAt' | 'refetch' | 'isPlaceholderData'
>;

/**
 * What every read on a screen uses: a skeleton after 100 ms, the daemon's own words on failure, a plain sentence
 * where a right is missing, and old data dimmed with its age when a newer answer could not be had.
 */
export function QueryView<T>({
  query,
  children,
  skeleton,
  what,
  fill = false,
}: {
  query: Read<T>;
  children: (data: NonNullable<T>) => ReactNode;
  skeleton?: ReactNode;
  /** What is read, as in "the apps". */
  what: string;
  /** Takes the whole height of its parent. */
  fill?: boolean;
}) {
  const isSlow = useSlow(query.isPending);
  const connection = useMaybeDaemon()?.connection;
  const isAway =
    connection !== undefined && connection.state.status !== 'online' && connection.state.status !== 'connecting';
  const retry = (): void => void query.refetch();
  if (query.data !== undefined && query.data !== null) {
    const isStale = query.error !== null || isAway;
    return (
      <div className={classes.view} data-fill={fill || undefined}>
        {isStale ? (
          <div className={classes.stale}>
            <Notice
              tone="warn"
              action={
                query.error ? (
                  <Button size="xs" onClick={retry}>
                    Retry
                  </Button>
                ) : undefined
              }
              title={
                <>
                  This is how {what} looked <Ago at={new Date(query.dataUpdatedAt).toISOString()} />.
                </>
              }
            >
              {query.error ? <p>{query.error.message}</p> : null}
            </Notice>
          </div>
        ) : null}
        <div className={classes.data} data-stale={isStale || undefined} data-old={query.isPlaceholderData || undefined}>
          {children(query.data)}
        </div>
      </div>
    );
  }
  if (query.error) {
    if (query.error instanceof DaemonError && query.error.status === 403) return <NoPermission error={query.error} />;
    return (
      <div className={classes.failed}>
        <Problem error={query.error} title={`Could not read ${what}.`} onRetry={retry} />
      </div>
    );
  }
  return (
    <div className={classes.waiting} aria-busy="true">
      {isSlow ? (skeleton ?? <SkeletonRows />) : null}
    </div>
  );
}

/** The right is missing: which one, and who can give it. */
export function NoPermission({ error }: { error: Pick<DaemonError, 'message'> }) {
  return (
    <Empty title="No permission">
      <p>{error.message}</p>
      <p>
        {/global/.test(error.message)
          ? 'A superadmin of this daemon can grant it.'
          : 'An owner of your team, or whoever gave you the token, can change that.'}
      </p>
    </Empty>
  );
}
