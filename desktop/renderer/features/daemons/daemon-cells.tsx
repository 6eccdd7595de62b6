import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { listApps } from '#shared/contract/apps.ts';
import { listNodes } from '#shared/contract/cluster.ts';
import { listJobs } from '#shared/contract/jobs.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { getStats } from '#shared/contract/system.ts';
import type { Connection } from '#shared/ipc/connections.ts';
import { nodeState, nodesInNeed } from '#shared/rules/nodes.ts';
import { SPARK_MINUTES, serverMeasures, useServerSeries } from '../../api/history.ts';
import { useReadOf } from '../../api/query.ts';
import { lackFor, useMeOf } from '../../api/rights.ts';
import { opened } from '../../host/bridge-desktop.ts';
import { bridge } from '../../host/host.ts';
import { Bar, loadTone } from '../../ui/data/bar.tsx';
import { Sparkline } from '../../ui/data/sparkline.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { ago, count, percent } from '../../ui/words/format.ts';
import classes from './daemons.module.css';

type Stats = ResultOf<typeof getStats>;
type Nodes = ResultOf<typeof listNodes>['data'];

const isOnline = (connection: Connection): boolean => connection.state.status === 'online';

/** The last known picture of a daemon that is away, kept over restarts of the app. */
function useSnapshot(connection: Connection, enabled: boolean) {
  const query = useQuery({
    queryKey: ['host', 'snapshot', connection.id, connection.state.lastSeenAt],
    queryFn: async () =>
      opened((await bridge().desktop?.connections.snapshot({ id: connection.id })) ?? { ok: true, value: null }),
    enabled,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return query.data ?? undefined;
}

/** When an answer was given, of a daemon that is away now. */
const ageOf = (connection: Connection, { dataUpdatedAt }: { dataUpdatedAt: number }): string | undefined =>
  isOnline(connection) ? undefined : new Date(dataUpdatedAt).toISOString();

function useStats(connection: Connection): { stats: Stats | undefined; at: string | undefined } {
  const live = useReadOf(connection.id, getStats, undefined, { enabled: isOnline(connection), staleTime: 25_000 });
  const snapshot = useSnapshot(connection, live.data === undefined);
  if (live.data) return { stats: live.data, at: ageOf(connection, live) };
  return { stats: (snapshot?.stats as Stats | null | undefined) ?? undefined, at: snapshot?.at };
}

/** Numbers that are not of now are dim and say their age. */
function Value({ at, children }: { at: string | undefined; children: ReactNode }) {
  return at === undefined ? (
    children
  ) : (
    <span className={classes.old} title={`data from ${ago(at, Date.now())}`}>
      {children}
    </span>
  );
}

export function StreamsCell({ connection }: { connection: Connection }) {
  const { stats, at } = useStats(connection);
  if (stats === undefined) return null;
  const live = stats.counts.activeStreams;
  return <Value at={at}>{live === 0 ? <span className="dim">0</span> : count(live)}</Value>;
}

export function AppsCell({ connection }: { connection: Connection }) {
  const { stats, at } = useStats(connection);
  const apps = useReadOf(connection.id, listApps, undefined, { enabled: isOnline(connection), staleTime: 60_000 });
  const number = apps.data?.length ?? stats?.counts.apps;
  return number === undefined ? null : <Value at={apps.data ? ageOf(connection, apps) : at}>{count(number)}</Value>;
}

export function NodesCell({ connection }: { connection: Connection }) {
  const me = useMeOf(connection.id, isOnline(connection));
  const live = useReadOf(connection.id, listNodes, undefined, {
    enabled: isOnline(connection) && me !== undefined && lackFor(listNodes, me) === undefined,
    staleTime: 60_000,
  });
  const snapshot = useSnapshot(connection, live.data === undefined && !isOnline(connection));
  const nodes = live.data ?? (snapshot?.nodes as Nodes | null | undefined) ?? undefined;
  if (nodes === undefined) return null;
  const states = nodes.map(nodeState);
  const inNeed = nodesInNeed(nodes);
  const draining = nodes.filter((node) => node.status === 'draining').length;
  const words = [...Map.groupBy(states, ({ word }) => word)].map(([word, of]) => `${of.length} ${word}`).join(', ');
  return (
    <Value at={live.data ? ageOf(connection, live) : snapshot?.at}>
      {inNeed[0] ? (
        <State tone={inNeed[0].state.urgency ?? 'warn'} title={words}>
          {inNeed.length === 1
            ? `${count(nodes.length)}, 1 ${inNeed[0].state.word}`
            : `${count(nodes.length)}, ${count(inNeed.length)} in need`}
        </State>
      ) : (
        <span title={words}>
          {count(nodes.length)}
          {draining > 0 ? <span className="dim">{`, ${count(draining)} draining`}</span> : null}
        </span>
      )}
    </Value>
  );
}

export function JobsCell({ connection }: { connection: Connection }) {
  const jobs = useReadOf(
    connection.id,
    listJobs,
    { query: { state: 'active', limit: 200 } },
    { enabled: isOnline(connection), staleTime: 60_000 },
  );
  if (jobs.data === undefined) return null;
  const { total } = jobs.data;
  return <Value at={ageOf(connection, jobs)}>{total === 0 ? <span className="dim">0</span> : count(total)}</Value>;
}

export function LoadCell({ connection, measure }: { connection: Connection; measure: 'cpu' | 'memory' | 'disk' }) {
  const { stats, at } = useStats(connection);
  const samples = useServerSeries(connection.id, measure, SPARK_MINUTES, isOnline(connection));
  const share = stats && serverMeasures(stats)[measure];
  if (share === undefined) return null;
  return (
    <Value at={at}>
      <span className={classes.load}>
        <span className="num">{percent(share)}</span>
        <span className={classes.lines}>
          {measure === 'cpu' && samples.length > 1 ? (
            <Sparkline samples={samples} max={1} label={`CPU of ${connection.name}, last 15 minutes`} />
          ) : null}
          <Bar share={share} tone={at === undefined ? loadTone(share) : 'info'} label={`${percent(share)} used`} />
        </span>
      </span>
    </Value>
  );
}
