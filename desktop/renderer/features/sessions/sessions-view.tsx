import { Button, Checkbox, NativeSelect, SegmentedControl, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconDownload, IconHistory } from '@tabler/icons-react';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { lazy, Suspense, useMemo, useState } from 'react';
import type { ResultOf } from '#shared/contract/operation.ts';
import { exportSessions, listAllSessions } from '#shared/contract/sessions.ts';
import { keyOf, PAGES, readMoreOf } from '../../api/query.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { useGo, useSearchState } from '../../daemon/links.tsx';
import { bridge } from '../../host/host.ts';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Problem } from '../../ui/feedback/problem.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { SearchBox } from '../../ui/form/search-box.tsx';
import { TablePanel, Toolbar } from '../../ui/layout/page.tsx';
import { count, duration } from '../../ui/words/format.ts';
import { At } from '../../ui/words/time.tsx';
import { PersonPanel } from './person-panel.tsx';
import classes from './sessions.module.css';

type Session = ResultOf<typeof listAllSessions>['data'][number];

const SessionFigures = lazy(async () => ({ default: (await import('./session-figures.tsx')).SessionFigures }));
const PAGE = 100;
const EXPORT_MS = 300_000;
const PERIODS = [
  { value: '', label: 'Any time' },
  { value: '1', label: 'Last 24 hours' },
  { value: '7', label: 'Last 7 days' },
  { value: '14', label: 'Last 14 days' },
];

/** A list of sessions with its filters, or their figures; of one app, or of all. */
export function SessionsView({ app }: { app?: string }) {
  const { id, client } = useDaemon();
  const go = useGo();
  const [search, setSearch] = useSearchState();
  const [q] = useDebouncedValue(search['q'] ?? '', 300);
  const [identity] = useDebouncedValue(search['identity'] ?? '', 300);
  const [failure, setFailure] = useState<unknown>();
  const [isExporting, setExporting] = useState(false);
  const filter = {
    ...(q ? { q } : {}),
    ...(identity ? { identity } : {}),
    ...(search['room'] ? { room: search['room'] } : {}),
    ...(search['errors'] ? { errors: true } : {}),
    ...(search['running'] ? { running: true } : {}),
    // to the hour, so that the question stays the same while one looks
    ...(search['days']
      ? {
          since: new Date(
            Math.floor(Date.now() / 3_600_000) * 3_600_000 - Number(search['days']) * 86_400_000,
          ).toISOString(),
        }
      : {}),
  };
  const query = { ...filter, ...(app === undefined ? {} : { app }) };
  const pages = useInfiniteQuery({
    queryKey: [...keyOf(id, listAllSessions, { query }), PAGES],
    queryFn: ({ pageParam, signal }) =>
      client.call(listAllSessions, { query: { ...query, limit: PAGE, offset: pageParam } }, { signal }),
    initialPageParam: 0,
    getNextPageParam: (last) => (last.more ? last.offset + last.data.length : undefined),
    placeholderData: keepPreviousData,
  });
  const rows = useMemo(() => pages.data?.pages.flatMap((page) => page.data) ?? [], [pages.data]);
  const isFiltered = Object.keys(filter).length > 0;
  const exportAs = async (format: 'csv' | 'jsonl'): Promise<void> => {
    if (app === undefined) return;
    setExporting(true);
    setFailure(undefined);
    try {
      const file = await client.call(
        exportSessions,
        { params: { app }, query: { ...filter, format } },
        { timeout: EXPORT_MS },
      );
      await bridge().saveText(`${app}-sessions.${format}`, await file.text());
    } catch (error) {
      setFailure(error);
    } finally {
      setExporting(false);
    }
  };
  const view = search['view'] === 'figures' ? 'figures' : 'list';
  return (
    <>
      <Toolbar>
        <SegmentedControl
          aria-label="View"
          size="xs"
          data={[
            { value: 'list', label: 'List' },
            { value: 'figures', label: '14 days' },
          ]}
          value={view}
          onChange={(value) => setSearch({ view: value === 'list' ? '' : value })}
        />
        {view === 'figures' ? null : (
          <>
            <SearchBox
              label="Room or identity begins with"
              value={search['q'] ?? ''}
              onChange={(q) => setSearch({ q })}
            />
            <TextInput
              aria-label="Identity, exact"
              placeholder="Identity, exact"
              value={search['identity'] ?? ''}
              onChange={(event) => setSearch({ identity: event.currentTarget.value })}
              w={150}
            />
            <NativeSelect
              aria-label="Started"
              data={PERIODS}
              value={search['days'] ?? ''}
              onChange={(event) => setSearch({ days: event.currentTarget.value })}
            />
            <Checkbox
              label="With errors"
              checked={search['errors'] !== undefined}
              onChange={(event) => setSearch({ errors: event.currentTarget.checked ? 'yes' : '' })}
            />
            <Checkbox
              label="Running"
              checked={search['running'] !== undefined}
              onChange={(event) => setSearch({ running: event.currentTarget.checked ? 'yes' : '' })}
            />
            {app !== undefined && identity ? (
              <Button variant="subtle" onClick={() => setSearch({ person: identity })}>
                All connections of {identity}
              </Button>
            ) : null}
            {app === undefined ? null : (
              <>
                <Button
                  variant="default"
                  leftSection={<IconDownload size={15} />}
                  loading={isExporting}
                  onClick={() => void exportAs('csv')}
                >
                  CSV
                </Button>
                <Button variant="default" disabled={isExporting} onClick={() => void exportAs('jsonl')}>
                  JSON lines
                </Button>
              </>
            )}
          </>
        )}
      </Toolbar>
      {failure ? <Problem error={failure} title="The export failed." /> : null}
      {view === 'figures' ? (
        <div className={classes.scroll}>
          <Suspense fallback={null}>
            <SessionFigures app={app} />
          </Suspense>
        </div>
      ) : (
        <QueryView query={pages as never} what="the sessions" fill>
          {() => (
            <TablePanel>
              <DataTable
                name={app === undefined ? 'all-sessions' : 'sessions'}
                label="Sessions"
                columns={app === undefined ? [APP, ...columns] : columns}
                rows={rows}
                rowKey={(session) => `${session.app} ${session.id}`}
                onOpen={(session) => go(`/apps/${session.app}/sessions/${session.id}`)}
                onEnd={readMoreOf(pages)}
                empty={
                  isFiltered ? (
                    <Empty
                      title="No session matches"
                      action={
                        <Button
                          onClick={() =>
                            setSearch({ q: '', identity: '', room: '', errors: '', running: '', days: '' })
                          }
                        >
                          Clear the filter
                        </Button>
                      }
                    />
                  ) : (
                    <Empty title="No sessions yet" icon={<IconHistory size={32} stroke={1.3} />}>
                      A session is kept for each life of a room. analytics in the app’s config sets for how long.
                    </Empty>
                  )
                }
              />
            </TablePanel>
          )}
        </QueryView>
      )}
      {app === undefined ? null : (
        <PersonPanel app={app} identity={search['person']} onClose={() => setSearch({ person: undefined })} />
      )}
    </>
  );
}

const APP: Column<Session> = {
  id: 'app',
  header: 'App',
  width: 'minmax(80px, 0.8fr)',
  sort: (session) => session.app,
  cell: (session) => session.app,
};

const columns: readonly Column<Session>[] = [
  {
    id: 'room',
    header: 'Room',
    isName: true,
    width: 'minmax(130px, 2fr)',
    sort: (session) => session.room,
    cell: (session) => <code title={session.room}>{session.room}</code>,
  },
  {
    id: 'started',
    header: 'Started',
    width: '130px',
    sort: (session) => Date.parse(session.startedAt),
    cell: (session) => <At at={session.startedAt} />,
  },
  {
    id: 'duration',
    header: 'Duration',
    width: '110px',
    sort: (session) => session.durationSeconds,
    cell: (session) =>
      session.endedAt === null ? <State tone="ok">running</State> : duration(session.durationSeconds),
  },
  {
    id: 'participants',
    header: 'Participants',
    width: '96px',
    align: 'end',
    sort: (session) => session.participants,
    cell: (session) => count(session.participants),
  },
  {
    id: 'peak',
    header: 'Peak',
    width: '64px',
    align: 'end',
    from: 'medium',
    sort: (session) => session.peak,
    cell: (session) => count(session.peak),
  },
  {
    id: 'minutes',
    header: 'Minutes',
    width: '80px',
    align: 'end',
    from: 'medium',
    sort: (session) => session.participantSeconds,
    cell: (session) => (
      <span title="Time that all participants were there together">
        {count(Math.round(session.participantSeconds / 60))}
      </span>
    ),
  },
  {
    id: 'publishers',
    header: 'Publishers',
    width: '86px',
    align: 'end',
    from: 'wide',
    sort: (session) => session.publishers,
    cell: (session) => count(session.publishers),
  },
  {
    id: 'errors',
    header: 'Errors',
    width: '72px',
    align: 'end',
    sort: (session) => session.errors,
    cell: (session) => (session.errors === 0 ? '' : <State tone="danger">{count(session.errors)}</State>),
  },
];
