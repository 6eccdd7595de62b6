import { useEffect } from 'react';
import { listApps } from '#shared/contract/apps.ts';
import { listNodes } from '#shared/contract/cluster.ts';
import { listJobs } from '#shared/contract/jobs.ts';
import { listPlugins } from '#shared/contract/plugins.ts';
import { getSettings, getStats } from '#shared/contract/system.ts';
import type { Connection } from '#shared/ipc/connections.ts';
import { problemsOf } from '#shared/rules/problems.ts';
import { useReadOf } from '../api/query.ts';
import { lackFor, useMeOf } from '../api/rights.ts';
import { useConnections } from '../daemon/connections.ts';
import { useNow } from '../ui/words/now.ts';
import { setProblems } from './problems.ts';

const MINUTE = 60_000;

/** Looks after every connection; once in the frame. */
export function ProblemWatchers() {
  const list = useConnections((state) => state.list);
  return list.map((connection) => <Watcher key={connection.id} connection={connection} />);
}

function Watcher({ connection }: { connection: Connection }) {
  const { id } = connection;
  const isOnline = connection.state.status === 'online';
  const me = useMeOf(id, isOnline);
  const may = (op: Parameters<typeof lackFor>[0]): boolean =>
    isOnline && me !== undefined && lackFor(op, me) === undefined;
  const stats = useReadOf(id, getStats, undefined, { enabled: isOnline, every: 30_000, staleTime: 25_000 });
  const settings = useReadOf(id, getSettings, undefined, { enabled: may(getSettings), staleTime: 10 * MINUTE });
  const nodes = useReadOf(id, listNodes, undefined, { enabled: may(listNodes), every: MINUTE, staleTime: MINUTE });
  const failed = useReadOf(
    id,
    listJobs,
    { query: { state: 'failed', limit: 20 } },
    { enabled: isOnline && me !== undefined, staleTime: MINUTE },
  );
  const plugins = useReadOf(id, listPlugins, undefined, { enabled: may(listPlugins), staleTime: 10 * MINUTE });
  const apps = useReadOf(id, listApps, undefined, { enabled: isOnline && me !== undefined, staleTime: MINUTE });
  const now = useNow(30_000);
  useEffect(() => {
    setProblems(
      id,
      problemsOf(
        connection.state,
        {
          stats: stats.data,
          livekit: settings.data?.livekit,
          ...(settings.data ? { warnings: settings.data.warnings } : {}),
          nodes: nodes.data,
          ...(failed.data ? { failedJobs: failed.data.data } : {}),
          ...(plugins.data ? { plugins: plugins.data } : {}),
          apps: apps.data,
        },
        now,
      ),
    );
  });
  useEffect(() => () => setProblems(id, []), [id]);
  return null;
}
