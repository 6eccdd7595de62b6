import { listJobs } from '#shared/contract/jobs.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { useMaybeDaemon } from '../app/daemon-context.tsx';
import type { Tone } from '../ui/state.tsx';
import { useReadOf } from './query.ts';

export type Job = ResultOf<typeof listJobs>['data'][number];

/** Something that needs a person: in words, with the page where it is repaired. */
export interface ProblemLine {
  id: string;
  tone: Extract<Tone, 'danger' | 'warn'>;
  text: string;
  path?: string;
  connectionId: string;
  since?: string;
}

/** Jobs of the daemon at hand that are under way. */
export function useActiveJobs(): readonly Job[] {
  const daemon = useMaybeDaemon();
  const jobs = useReadOf(
    daemon?.id ?? '',
    listJobs,
    { query: { state: 'active', limit: 200 } },
    { enabled: daemon !== undefined && daemon.connection.state.status === 'online', staleTime: 60_000 },
  );
  return jobs.data?.data ?? [];
}

export function useProblems(): readonly ProblemLine[] {
  return [];
}
