import { IconDatabase } from '@tabler/icons-react';
import { useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';
import { listApps } from '#shared/contract/apps.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { getS3, listStorageProviders } from '#shared/contract/s3.ts';
import { getStats, listAppFigures } from '#shared/contract/system.ts';
import { readOptions, useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { GoTo, useGo, useSearchState } from '../../daemon/links.tsx';
import { Bar, loadTone } from '../../ui/data/bar.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { SearchBox } from '../../ui/form/search-box.tsx';
import { Page, Panel, TablePanel, Toolbar } from '../../ui/layout/page.tsx';
import { bytes, count, percent, plural, recordingsOf } from '../../ui/words/format.ts';
import { AppBucket, BucketState } from './bucket-state.tsx';
import classes from './storage.module.css';

interface Row {
  app: string;
  sizes: ResultOf<typeof listAppFigures>['data'][number] | undefined;
  s3: ResultOf<typeof getS3>['data'] | undefined;
}
/** Apps up to which the bucket of each is read immediately, so that the table sorts by it; beyond, those on the screen. */
const READ_ALL = 60;

/** Where recordings are, and who takes how much. */
export function StoragePage() {
  const apps = useRead(listApps);
  const stats = useRead(getStats);
  const providers = useRead(listStorageProviders);
  const [search, setSearch] = useSearchState();
  const disk = stats.data?.disk;
  const storage = stats.data?.storage;
  return (
    <Page title="Storage" fill>
      <div className={classes.tops}>
        <Panel title="Recordings">
          <div className={classes.big}>{storage ? bytes(storage.vodTotalBytes) : '…'}</div>
          <span className="dim">{storage ? plural(recordingsOf(storage), 'recording') : ''}</span>
        </Panel>
        <Panel title="Databases">
          <div className={classes.big}>{storage ? bytes(storage.totalDbSizeBytes) : '…'}</div>
          <span className="dim">{storage ? `${bytes(storage.appsDbSizeBytes)} of it in the apps` : ''}</span>
        </Panel>
        <Panel title="Disk of the daemon">
          {disk ? (
            <>
              <div className={classes.big}>{bytes(disk.freeBytes)} free</div>
              <div className="row">
                <Bar
                  share={disk.usedBytes / disk.totalBytes}
                  tone={loadTone(disk.usedBytes / disk.totalBytes)}
                  label={`${percent(disk.usedBytes / disk.totalBytes)} of ${bytes(disk.totalBytes)} used`}
                />
                <span className="dim num">of {bytes(disk.totalBytes)}</span>
              </div>
            </>
          ) : (
            <span className="dim">{stats.data ? 'cannot be read' : '…'}</span>
          )}
        </Panel>
      </div>
      <QueryView query={apps} what="the apps" fill>
        {(list) => (
          <Rows
            names={list.map((app) => app.name)}
            providers={new Map(providers.data?.map((provider) => [provider.id, provider.title]))}
            query={search['q'] ?? ''}
            onQuery={(q) => setSearch({ q })}
          />
        )}
      </QueryView>
    </Page>
  );
}

function Rows({
  names,
  providers,
  query,
  onQuery,
}: {
  names: readonly string[];
  providers: ReadonlyMap<string, string>;
  query: string;
  onQuery: (query: string) => void;
}) {
  const { id } = useDaemon();
  const go = useGo();
  const canS3 = useLack(getS3) === undefined;
  const shown = names.filter((name) => name.includes(query.toLowerCase()));
  const read = shown.length > READ_ALL ? [] : shown;
  const figures = useRead(listAppFigures, undefined, { every: 60_000 });
  const sizes = useMemo(() => new Map(figures.data?.map((app) => [app.name, app])), [figures.data]);
  const s3 = useQueries({
    queries: read.map((name) => ({
      ...readOptions(id, getS3, { params: { name } }),
      staleTime: 300_000,
      enabled: canS3,
    })),
  });
  const rows: Row[] = shown.map((app, index) => ({ app, sizes: sizes.get(app), s3: s3[index]?.data }));
  const largest = Math.max(1, ...rows.map((row) => row.sizes?.vodBytes ?? 0));
  const columns = useMemo(() => columnsFor(largest, providers), [largest, providers]);
  return (
    <>
      <Toolbar>
        <SearchBox label="Find by app" value={query} onChange={onQuery} />
      </Toolbar>
      <TablePanel>
        <DataTable
          name="storage"
          label="Storage by app"
          columns={columns}
          rows={rows}
          rowKey={(row) => row.app}
          initialSort={{ column: 'bytes', isDescending: true }}
          onOpen={(row) => go(`/apps/${row.app}/storage`)}
          empty={
            <Empty
              title={query ? `No app matches “${query}”` : 'No app yet'}
              icon={<IconDatabase size={32} stroke={1.3} />}
            />
          }
        />
      </TablePanel>
    </>
  );
}

function columnsFor(largest: number, providers: ReadonlyMap<string, string>): readonly Column<Row>[] {
  return [
    {
      id: 'app',
      header: 'App',
      width: 'minmax(140px, 1.5fr)',
      sort: (row) => row.app,
      cell: (row) => <GoTo to={`/apps/${row.app}/storage`}>{row.app}</GoTo>,
    },
    {
      id: 'state',
      header: 'Bucket',
      width: 'minmax(140px, 1.5fr)',
      sort: (row) => row.s3?.bucket,
      cell: ({ app, s3 }) =>
        s3 === undefined ? (
          <AppBucket app={app} isOpen />
        ) : s3.bucket === '' ? (
          <State tone="muted">none, on this disk</State>
        ) : (
          <BucketState s3={s3} />
        ),
    },
    {
      id: 'provider',
      header: 'Provider',
      width: 'minmax(90px, 1fr)',
      from: 'medium',
      sort: (row) => row.s3?.provider,
      cell: ({ s3 }) => (s3 && s3.bucket !== '' ? (providers.get(s3.provider) ?? s3.provider) : ''),
    },
    {
      id: 'links',
      header: 'Links',
      width: '90px',
      from: 'wide',
      sort: (row) => Number(row.s3?.publicVods ?? 0),
      cell: ({ s3 }) => (s3?.publicVods ? <State tone="info">public</State> : <span className="dim">signed</span>),
    },
    {
      id: 'vods',
      header: 'Recordings',
      width: '90px',
      align: 'end',
      sort: (row) => recordingsOf(row.sizes),
      cell: ({ sizes }) => (sizes ? count(recordingsOf(sizes)) : ''),
    },
    {
      id: 'bytes',
      header: 'Size',
      width: '84px',
      align: 'end',
      sort: (row) => row.sizes?.vodBytes,
      cell: ({ sizes }) => (sizes ? bytes(sizes.vodBytes) : ''),
    },
    {
      id: 'share',
      header: 'Share',
      width: 'minmax(60px, 120px)',
      from: 'medium',
      cell: ({ sizes }) =>
        sizes && sizes.vodBytes > 0 ? <Bar share={sizes.vodBytes / largest} label={bytes(sizes.vodBytes)} /> : null,
    },
  ];
}
