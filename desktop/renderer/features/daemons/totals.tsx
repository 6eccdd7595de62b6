import { useQueries } from '@tanstack/react-query';
import { listIncidents } from '#shared/contract/alerts.ts';
import { whoAmI } from '#shared/contract/auth.ts';
import type { Operation } from '#shared/contract/operation.ts';
import { getAllSessionFigures } from '#shared/contract/sessions.ts';
import { getStats } from '#shared/contract/system.ts';
import type { Connection } from '#shared/ipc/connections.ts';
import { readOptions } from '../../api/query.ts';
import { lackFor } from '../../api/rights.ts';
import { OPEN_INCIDENTS } from '../../problems/problem-watch.tsx';
import { count, recordingsOf } from '../../ui/words/format.ts';
import { connectionWord } from './connection-state.tsx';
import classes from './daemons.module.css';

/** What all daemons that answer carry together. Each is asked by itself, so that none waits for another. */
export function Totals({ list }: { list: readonly Connection[] }) {
  const online = list.filter(({ state }) => state.status === 'online');
  const people = useQueries({
    queries: online.map(({ id }) => ({ ...readOptions(id, whoAmI), staleTime: 60_000 })),
  });
  const may = (index: number, op: Operation): boolean => {
    const me = people[index]?.data?.data;
    return me !== undefined && lackFor(op, me) === undefined;
  };
  const stats = useQueries({ queries: online.map(({ id }) => ({ ...readOptions(id, getStats), staleTime: 25_000 })) });
  const figures = useQueries({
    queries: online.map(({ id }, index) => ({
      ...readOptions(id, getAllSessionFigures),
      enabled: may(index, getAllSessionFigures),
      staleTime: 25_000,
      refetchInterval: 60_000,
    })),
  });
  const incidents = useQueries({
    queries: online.map(({ id }, index) => ({
      ...readOptions(id, listIncidents, OPEN_INCIDENTS),
      enabled: may(index, listIncidents),
      staleTime: 25_000,
    })),
  });
  const away = list.filter(({ state }) => state.status !== 'online');
  const items: Record<string, number | undefined> = {
    'Sessions now': sum(figures, ({ running }) => running?.sessions),
    'Participants now': sum(figures, ({ running }) => running?.participants),
    'Sessions in 14 days': sum(figures, ({ total }) => total.sessions),
    'Participants in 14 days': sum(figures, ({ total }) => total.participants),
    Recordings: sum(stats, ({ storage }) => recordingsOf(storage)),
    'Open incidents': sum(incidents, ({ total }) => total),
  };
  return (
    <section className={classes.totals} aria-label="All daemons together">
      <dl>
        {Object.entries(items).map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value === undefined ? <span className="dim">unknown</span> : count(value)}</dd>
          </div>
        ))}
      </dl>
      {away.length === 0 ? null : (
        <p className="dim">
          Not included: {away.map(({ name, state }) => `${name} (${connectionWord(state.status)})`).join(', ')}
        </p>
      )}
    </section>
  );
}

/** Of the answers that are there; undefined while there is none. */
function sum<T>(reads: readonly { data?: T | undefined }[], of: (answer: T) => number | undefined): number | undefined {
  const values = reads.flatMap(({ data }) => (data === undefined ? [] : [of(data)])).filter((one) => one !== undefined);
  return values.length === 0 ? undefined : values.reduce((a, b) => a + b, 0);
}
