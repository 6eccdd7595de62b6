import { useQueries } from '@tanstack/react-query';
import { listJobs } from '#shared/contract/jobs.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { useConnections } from '../daemon/connections.ts';
import { useMaybeDaemon } from '../daemon/daemon-context.tsx';
import { readOptions, useReadOf } from './query.ts';

export type Job = ResultOf<typeof listJobs>['data'][number];

const UNDER_WAY = { query: { state: 'active', limit: 200 } } as const;

/** Jobs of the daemon at hand that are under way; of one that is away, as they were last. */
export function useActiveJobs(): readonly Job[] {
  const daemon = useMaybeDaemon();
  const jobs = useReadOf(daemon?.id ?? '', listJobs, UNDER_WAY, {
    enabled: daemon !== undefined && daemon.connection.state.status === 'online',
    staleTime: 60_000,
  });
  return jobs.data?.data ?? [];
}

/** The same with their daemon's connection, of daemons that answer; on pages about all daemons the jobs of all. */
export function useJobsUnderWay(): readonly { connectionId: string; job: Job }[] {
  const daemon = useMaybeDaemon();
  const list = useConnections((state) => state.list);
  const shown = (daemon === undefined ? list : [daemon.connection]).filter(({ state }) => state.status === 'online');
  const reads = useQueries({
    queries: shown.map(({ id }) => ({
      ...readOptions(id, listJobs, UNDER_WAY),
      staleTime: 60_000,
    })),
  });
  return shown.flatMap(({ id }, index) => (reads[index]?.data?.data ?? []).map((job) => ({ connectionId: id, job })));
}
