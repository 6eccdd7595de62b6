import { listApps } from '#shared/contract/apps.ts';
import { listNodes } from '#shared/contract/cluster.ts';
import { listJobs } from '#shared/contract/jobs.ts';
import { nodesInNeed, nodesInNeedWords } from '#shared/rules/nodes.ts';
import { useRead } from '../api/query.ts';
import { lackFor, useMe } from '../api/rights.ts';

export interface SectionCount {
  count?: string;
  alert?: { count: number; title: string };
}

/** The numbers beside the sections; what is not allowed or not there is left out in silence. */
export function useSectionCounts(): Record<string, SectionCount> {
  const me = useMe();
  const apps = useRead(listApps, undefined, { staleTime: 60_000, enabled: me !== undefined });
  const nodes = useRead(listNodes, undefined, {
    staleTime: 60_000,
    enabled: me !== undefined && lackFor(listNodes, me) === undefined,
  });
  const jobs = useRead(
    listJobs,
    { query: { state: 'active', limit: 200 } },
    { staleTime: 60_000, enabled: me !== undefined },
  );
  const inNeed = nodes.data ? nodesInNeed(nodes.data).length : 0;
  return {
    ...(apps.data ? { apps: { count: String(apps.data.length) } } : {}),
    ...(nodes.data
      ? {
          cluster: {
            count: String(nodes.data.length),
            ...(inNeed > 0 ? { alert: { count: inNeed, title: nodesInNeedWords(inNeed) } } : {}),
          },
        }
      : {}),
    ...(jobs.data && jobs.data.total > 0 ? { jobs: { count: String(jobs.data.total) } } : {}),
  };
}
