import { useEffect } from 'react';
import { DaemonError } from '#shared/client/errors.ts';
import { listApps } from '#shared/contract/apps.ts';
import { listNodes } from '#shared/contract/cluster.ts';
import { listJobs } from '#shared/contract/jobs.ts';
import { listPlugins } from '#shared/contract/plugins.ts';
import { getReady, getSettings, getStats } from '#shared/contract/system.ts';
import type { Connection } from '#shared/ipc/connections.ts';
import { problemsOf } from '#shared/rules/problems.ts';
import type { ReadyCheck } from '#shared/schema/stats.ts';
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
  const waiting = useReadOf(
    id,
    listJobs,
    { query: { state: 'waiting', limit: 20 } },
    { enabled: isOnline && me !== undefined, staleTime: MINUTE },
  );
  const ready = useReadOf(id, getReady, undefined, { enabled: isOnline, every: 30_000, staleTime: 25_000 });
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
          livekit: me !== undefined && !may(getSettings) ? null : settings.data?.livekit,
          ...(settings.data ? { warnings: settings.data.warnings } : {}),
          nodes: nodes.data,
          ...(failed.data ? { failedJobs: failed.data.data } : {}),
          ...(waiting.data ? { waitingJobs: waiting.data.data } : {}),
          checks: isOnline ? checksOf(ready.error ?? ready.data) : undefined,
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

/** The checks of `GET /ready`, which a daemon that is not ready sends with its refusal. */
function checksOf(answer: { checks: ReadyCheck[] } | Error | undefined): ReadyCheck[] | undefined {
  if (!(answer instanceof Error)) return answer?.checks;
  return answer instanceof DaemonError ? (answer.body['checks'] as ReadyCheck[] | undefined) : undefined;
}
