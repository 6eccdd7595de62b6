import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { DaemonError } from '#shared/client/errors.ts';
import { search } from '#shared/contract/search.ts';
import type { Connection } from '#shared/ipc/connections.ts';
import type { SearchResult } from '#shared/schema/search.ts';
import { useReadOf } from '../../api/query.ts';
import { Problem } from '../../ui/feedback/problem.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { Panel } from '../../ui/layout/page.tsx';
import { plural } from '../../ui/words/format.ts';
import { Ago } from '../../ui/words/time.tsx';
import { connectionTone, connectionWord } from './connection-state.tsx';
import classes from './daemons.module.css';

const LIMIT = 10;
/** A daemon that takes longer says so, while the others show what they found. */
const TIMEOUT_MS = 20_000;

/** Apps, rooms and people by name, by daemon. A change of the text ends the questions that are under way. */
export function SearchResults({ list, q }: { list: readonly Connection[]; q: string }) {
  return (
    <div className={`stack ${classes.results}`}>
      {list.map((connection) => (
        <Panel key={connection.id} title={connection.name}>
          {connection.state.status === 'online' ? (
            <Found connection={connection} q={q} />
          ) : (
            <p className="dim">
              <State tone={connectionTone(connection.state.status)}>{connectionWord(connection.state.status)}</State>,
              not searched
            </p>
          )}
        </Panel>
      ))}
    </div>
  );
}

function Found({ connection, q }: { connection: Connection; q: string }) {
  const found = useReadOf(
    connection.id,
    search,
    { query: { q, limit: LIMIT } },
    { timeout: TIMEOUT_MS, staleTime: 10_000 },
  );
  if (found.error)
    return found.error instanceof DaemonError && found.error.status === 404 ? (
      <p className="dim">This daemon is too old to be searched. Update it.</p>
    ) : (
      <Problem error={found.error} onRetry={() => void found.refetch()} />
    );
  if (found.data === undefined) return <State tone="busy">Searching…</State>;
  const { apps, rooms, people, more } = found.data;
  const total = apps.length + rooms.length + people.length;
  if (total === 0) return <p className="dim">{more ? 'Nothing found so far; type more.' : 'Nothing found'}</p>;
  const to = (path: string, query: Record<string, string> = {}) => ({
    to: `/d/${connection.id}${path}` as '/',
    search: query as never,
  });
  return (
    <>
      <Kind name="Apps" rows={apps} rowKey={({ app }) => app}>
        {({ app }) => <Link {...to(`/apps/${app}`)}>{app}</Link>}
      </Kind>
      <Kind name="Rooms" rows={rooms} rowKey={({ room }) => room}>
        {(row) => (
          <>
            <Link {...to(placeOf(row))}>{row.room}</Link>{' '}
            {row.open ? (
              <State tone="ok">{`open, ${plural(row.participants, 'participant')}`}</State>
            ) : (
              <span className="dim">last opened {row.at === null ? 'earlier' : <Ago at={row.at} />}</span>
            )}
          </>
        )}
      </Kind>
      <Kind name="People" rows={people} rowKey={({ app, identity }) => `${app} ${identity}`}>
        {({ app, identity, present, room, at }) => (
          <>
            <Link {...to(`/apps/${app}/sessions`, { person: identity })}>{identity}</Link>{' '}
            {present ? (
              <State tone="ok">{`in ${room}`}</State>
            ) : (
              <span className="dim">
                last in {room}, joined <Ago at={at} />
              </span>
            )}
          </>
        )}
      </Kind>
      {more ? <p className="dim">There may be more: a longer text finds less.</p> : null}
    </>
  );
}

/** An open room is shown as it is, one that is over by its last session. */
const placeOf = ({ app, room, open, session }: SearchResult['rooms'][number]): string =>
  open || session === null ? `/apps/${app}/rooms/${encodeURIComponent(room)}` : `/apps/${app}/sessions/${session}`;

function Kind<R>({
  name,
  rows,
  rowKey,
  children,
}: {
  name: string;
  rows: readonly R[];
  rowKey: (row: R) => string;
  children: (row: R) => ReactNode;
}) {
  if (rows.length === 0) return null;
  return (
    <div>
      <h3>{name}</h3>
      <ul className={classes.found}>
        {rows.map((row) => (
          <li key={rowKey(row)}>{children(row)}</li>
        ))}
      </ul>
    </div>
  );
}
