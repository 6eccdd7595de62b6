import { useIsFetching, useIsMutating } from '@tanstack/react-query';
import { useSlow } from '../ui/data/query-view.tsx';
import classes from './working.module.css';

/**
 * Says that the daemon was asked for something that a person waits for: a change, a first read, more rows. Pages and buttons
 * have their own signs; this one is there for every request, so that none is without.
 */
export function Working() {
  const changes = useIsMutating();
  const reads = useIsFetching({
    predicate: ({ state: { data, fetchMeta } }) => data === undefined || fetchMeta?.fetchMore != null,
  });
  const isSlow = useSlow(changes + reads > 0);
  return isSlow ? <div className={classes.bar} role="progressbar" aria-label="Waiting for the daemon" /> : null;
}
