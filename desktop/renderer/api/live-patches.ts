import type { EventMessage } from '#shared/schema/events.ts';
import type { Job } from './jobs.ts';
import { queryClient } from './query.ts';

/** Puts what an event carries into the cached answers. @returns false when they have to be read again */
type Patcher = (connectionId: string, message: EventMessage) => boolean;

const patchJob: Patcher = (connectionId, { data }) => {
  const news = (data['job'] ?? data) as Partial<Job> & { id?: number };
  if (typeof news.id !== 'number') return false;
  let isKnown = false;
  queryClient.setQueriesData<{ data: Job[] }>({ queryKey: [connectionId, 'listJobs'] }, (page) => {
    if (!page?.data.some((job) => job.id === news.id)) return page;
    isKnown = true;
    return { ...page, data: page.data.map((job) => (job.id === news.id ? { ...job, ...news } : job)) };
  });
  queryClient.setQueriesData<Job>({ queryKey: [connectionId, 'getJob'] }, (job) =>
    job !== undefined && job.id === news.id ? { ...job, ...news } : job,
  );
  return isKnown;
};

/** Reports of nodes come all the time; the list is read again at most this often, and only where it is shown. */
const NODES_EVERY = 10_000;
const nodesReadAt = new Map<string, number>();

const readNodes: Patcher = (connectionId) => {
  const now = Date.now();
  if (now - (nodesReadAt.get(connectionId) ?? 0) >= NODES_EVERY) {
    nodesReadAt.set(connectionId, now);
    void queryClient.invalidateQueries({ queryKey: [connectionId, 'listNodes'] });
  }
  return true;
};

/** Events that come often and carry their news with them. */
export const patchers: Record<string, Patcher | undefined> = {
  'job.progress': patchJob,
  'node.stats': readNodes,
};
