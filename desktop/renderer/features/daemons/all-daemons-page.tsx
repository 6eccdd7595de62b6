import { Button } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconPlus, IconServer2 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import type { Connection } from '#shared/ipc/connections.ts';
import { useConnections } from '../../daemon/connections.ts';
import { useSearchState } from '../../daemon/links.tsx';
import { opened } from '../../host/bridge-desktop.ts';
import { bridge } from '../../host/host.ts';
import { useProblems } from '../../problems/problems.ts';
import { SkeletonRows } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Notice } from '../../ui/feedback/problem.tsx';
import { Shape, State } from '../../ui/feedback/state.tsx';
import { SearchBox } from '../../ui/form/search-box.tsx';
import { Page, TablePanel, Toolbar } from '../../ui/layout/page.tsx';
import { Ago } from '../../ui/words/time.tsx';
import { ConnectionMenu } from './connection-menu.tsx';
import { connectionTone, connectionWord } from './connection-state.tsx';
import { AppsCell, JobsCell, LoadCell, NodesCell, StreamsCell } from './daemon-cells.tsx';
import classes from './daemons.module.css';
import { initials } from './initials.ts';
import { LocalDaemonCard } from './local-daemon-card.tsx';
import { SearchResults } from './search-results.tsx';
import { Totals } from './totals.tsx';

/** Is everything well on all servers? What needs a person first, then a row a daemon. */
export function AllDaemonsPage() {
  const { list, isKnown } = useConnections();
  const columns = useMemo(columnsOf, []);
  const [search, setSearch] = useSearchState();
  const typed = search['q'] ?? '';
  const [q] = useDebouncedValue(typed.trim(), 200);
  if (!isKnown) return <SkeletonRows />;
  if (list.length === 0) return <Welcome />;
  return (
    <Page
      title="All daemons"
      fill
      actions={
        <Button component={Link} to={'/add' as '/'} variant="filled" leftSection={<IconPlus size={15} />}>
          Add daemon
        </Button>
      }
    >
      <ListProblem />
      <Toolbar>
        <SearchBox
          label="Find an app, room or person on any daemon"
          value={typed}
          onChange={(value) => setSearch({ q: value })}
          width={320}
        />
      </Toolbar>
      {q !== '' && typed.trim() !== '' ? (
        <SearchResults list={list} q={q} />
      ) : (
        <Overview list={list} columns={columns} />
      )}
    </Page>
  );
}

/** What needs a person first, then a row a daemon. */
function Overview({ list, columns }: { list: readonly Connection[]; columns: readonly Column<Connection>[] }) {
  const navigate = useNavigate();
  return (
    <>
      <AllProblems />
      <Totals list={list} />
      <TablePanel>
        <DataTable
          name="daemons"
          label="Daemons"
          columns={columns}
          rows={list}
          rowKey={(connection) => connection.id}
          rowHeight={48}
          onOpen={(connection) => void navigate({ to: `/d/${connection.id}` as '/' })}
        />
      </TablePanel>
    </>
  );
}

/** The list itself could not be read and was started again. */
function ListProblem() {
  const native = bridge().desktop?.connections;
  const query = useQuery({
    queryKey: ['host', 'list-problem'],
    queryFn: async () => (native ? opened(await native.list()).problem : null),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!query.data) return null;
  return (
    <Notice tone="warn" title={query.data.message}>
      {query.data.keptAs ? <p>The old file is kept as {query.data.keptAs}.</p> : null}
    </Notice>
  );
}

/** The problems of all daemons in one list, the worst first. */
function AllProblems() {
  const problems = useProblems();
  const list = useConnections((state) => state.list);
  const navigate = useNavigate();
  const [isAll, setAll] = useState(false);
  if (problems.length === 0) {
    const isConnecting = list.some((connection) => connection.state.status === 'connecting');
    return (
      <p className="dim">
        {isConnecting ? <State tone="busy">Connecting…</State> : <State tone="ok">No problems on any daemon</State>}
      </p>
    );
  }
  const names = new Map(list.map((connection) => [connection.id, connection.name]));
  const shown = isAll ? problems : problems.slice(0, 6);
  return (
    <section className={classes.problems} aria-label="Problems">
      <ul>
        {shown.map(({ id, connectionId, urgency, text, since, action }) => (
          <li key={id} data-tone={urgency}>
            <Shape tone={urgency} label={urgency === 'danger' ? 'broken' : 'needs attention'} />
            <strong className={classes.place}>{names.get(connectionId) ?? connectionId}</strong>
            <span className="grow">{text}</span>
            {since ? (
              <span className="dim">
                <Ago at={since} />
              </span>
            ) : null}
            <Button
              size="xs"
              onClick={() =>
                void navigate({
                  to: `/d/${connectionId}${action?.path ?? '/'}` as '/',
                  search: (action?.search ?? {}) as never,
                })
              }
            >
              {action?.label ?? 'Open'}
            </Button>
          </li>
        ))}
      </ul>
      {problems.length > shown.length ? (
        <Button variant="subtle" size="xs" onClick={() => setAll(true)}>
          Show all {problems.length}
        </Button>
      ) : null}
    </section>
  );
}

function columnsOf(): readonly Column<Connection>[] {
  return [
    {
      id: 'name',
      header: 'Daemon',
      width: 'minmax(170px, 1.6fr)',
      sort: (connection) => connection.name,
      cell: (connection) => (
        <span className={classes.name}>
          <span className={classes.tile} style={{ ['--own' as string]: connection.colour }} aria-hidden>
            {initials(connection.name)}
          </span>
          <span className={classes.two}>
            <Link to={`/d/${connection.id}` as '/'}>{connection.name}</Link>
            <small className="dim cut">{connection.url.replace(/^https?:\/\//, '')}</small>
          </span>
        </span>
      ),
    },
    {
      id: 'state',
      header: 'State',
      width: 'minmax(130px, 1fr)',
      sort: (connection) =>
        ['offline', 'untrusted', 'unusable', 'locked', 'signed-out', 'connecting', 'online'].indexOf(
          connection.state.status,
        ),
      cell: ({ state }) => (
        <span className={classes.two}>
          <State tone={connectionTone(state.status)} title={state.error?.message}>
            {connectionWord(state.status)}
          </State>
          <small className="dim cut">
            {state.status === 'online' ? (
              `${state.latencyMs === null ? '' : `${Math.round(state.latencyMs)} ms, `}${state.version ?? ''}`
            ) : (
              <>
                seen <Ago at={state.lastSeenAt} />
              </>
            )}
          </small>
        </span>
      ),
    },
    {
      id: 'apps',
      header: 'Apps',
      width: '52px',
      align: 'end',
      from: 'medium',
      cell: (connection) => <AppsCell connection={connection} />,
    },
    {
      id: 'streams',
      header: 'Live',
      width: '52px',
      align: 'end',
      cell: (connection) => <StreamsCell connection={connection} />,
    },
    { id: 'nodes', header: 'Nodes', width: '92px', cell: (connection) => <NodesCell connection={connection} /> },
    {
      id: 'cpu',
      header: 'CPU',
      width: 'minmax(96px, 1fr)',
      from: 'medium',
      cell: (connection) => <LoadCell connection={connection} measure="cpu" />,
    },
    {
      id: 'memory',
      header: 'Memory',
      width: 'minmax(96px, 1fr)',
      from: 'wide',
      cell: (connection) => <LoadCell connection={connection} measure="memory" />,
    },
    {
      id: 'disk',
      header: 'Disk',
      width: 'minmax(96px, 1fr)',
      from: 'wide',
      cell: (connection) => <LoadCell connection={connection} measure="disk" />,
    },
    {
      id: 'jobs',
      header: 'Jobs',
      width: '48px',
      align: 'end',
      from: 'wide',
      cell: (connection) => <JobsCell connection={connection} />,
    },
    { id: 'menu', header: '', width: '28px', cell: (connection) => <ConnectionMenu connection={connection} /> },
  ];
}

/** First run of the app. */
function Welcome() {
  return (
    <Page title="Welcome to StreamHub" wide={false}>
      <Empty
        title="One window for every daemon"
        icon={<IconServer2 size={36} stroke={1.2} />}
        action={
          <Button component={Link} to={'/add' as '/'} variant="filled" size="md">
            Add a daemon
          </Button>
        }
      >
        A daemon runs on your server and looks after its apps, recordings and nodes. Add it by its address and a token
        or password. You can also start one on this machine to look around.
      </Empty>
      <LocalDaemonCard />
    </Page>
  );
}
