import { useEffect } from 'react';
import { listIncidents } from '#shared/contract/alerts.ts';
import type { Connection } from '#shared/ipc/connections.ts';
import { problemsOf } from '#shared/rules/problems.ts';
import { useReadOf } from '../api/query.ts';
import { lackFor, useMeOf } from '../api/rights.ts';
import { useConnections } from '../daemon/connections.ts';
import { setProblems } from './problems.ts';

/** Looks after every connection; once in the frame. */
export function ProblemWatchers() {
  const list = useConnections((state) => state.list);
  return list.map((connection) => <Watcher key={connection.id} connection={connection} />);
}

function Watcher({ connection }: { connection: Connection }) {
  const { id } = connection;
  const isOnline = connection.state.status === 'online';
  const me = useMeOf(id, isOnline);
  const isAllowed = isOnline && me !== undefined && lackFor(listIncidents, me) === undefined;
  const incidents = useReadOf(id, listIncidents, OPEN_INCIDENTS, {
    enabled: isAllowed,
    every: 30_000,
    staleTime: 25_000,
  });
  useEffect(() => {
    setProblems(id, problemsOf(connection.state, isOnline ? { incidents: incidents.data?.data } : {}));
  });
  useEffect(() => () => setProblems(id, []), [id]);
  return null;
}

/** The question for open incidents; anyone who asks it shares the answer. */
export const OPEN_INCIDENTS = { query: { open: true, limit: 1000 } } as const;
