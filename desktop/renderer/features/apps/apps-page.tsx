import { Button, Menu, NativeSelect } from '@mantine/core';
import { IconApps, IconPlus } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { createApp, deleteApp, listApps } from '#shared/contract/apps.ts';
import { getS3 } from '#shared/contract/s3.ts';
import { listAppFigures } from '#shared/contract/system.ts';
import { useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { GoTo, useGo, useSearchState } from '../../daemon/links.tsx';
import { markChanged } from '../../ui/data/marks.ts';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { SearchBox } from '../../ui/form/search-box.tsx';
import { Page, TablePanel, Toolbar } from '../../ui/layout/page.tsx';
import { RowMenu } from '../../ui/layout/row-menu.tsx';
import { useCommands } from '../../ui/palette/use-commands.ts';
import { plural, recordingsOf } from '../../ui/words/format.ts';
import { Ago } from '../../ui/words/time.tsx';
import { AppBucket } from '../storage/bucket-state.tsx';
import { type AppFigures, AppNumber, type AppRow } from './app-cells.tsx';
import classes from './apps.module.css';
import { CreateApp } from './create-app.tsx';
import { openDeleteApp } from './delete-app.tsx';
import { HeldPrefixesButton } from './held-prefixes.tsx';
import { openRenameApp } from './rename-app.tsx';

/** The tenants of the installation. */
export function AppsPage() {
  const apps = useRead(listApps);
  const figures = useRead(listAppFigures, undefined, { enabled: useLack(listAppFigures) === undefined, every: 30_000 });
  const lack = useLack(createApp);
  const [search, setSearch] = useSearchState();
  const [isCreating, setCreating] = useState(false);
  const lackDelete = useLack(deleteApp);
  const lackS3 = useLack(getS3);
  const go = useGo();
  const create = (): void => setCreating(true);
  useCommands(
    'apps',
    lack === undefined ? [{ id: 'create-app', group: 'Actions', label: 'Create an app', run: create }] : [],
  );
  const byName = useMemo(() => new Map(figures.data?.map((app) => [app.name, app])), [figures.data]);
  const columns = useMemo(
    () =>
      columnsFor(
        { onRename: openRenameApp, onDelete: lackDelete === undefined ? openDeleteApp : undefined },
        byName,
        lackS3 === undefined,
      ),
    [lackDelete, byName, lackS3],
  );
  const button = (
    <Button
      variant="filled"
      leftSection={<IconPlus size={15} />}
      onClick={create}
      disabled={lack !== undefined}
      title={lack && `Needs ${lack}.`}
    >
      Create app
    </Button>
  );
  return (
    <Page
      title="Apps"
      fill
      subtitle={apps.data ? plural(apps.data.length, 'app') : undefined}
      actions={
        <>
          <HeldPrefixesButton />
          {button}
        </>
      }
    >
      <QueryView query={apps} what="the apps" fill>
        {(all) => {
          const show = search['show'] ?? '';
          const rows = filtered(all, search['q'] ?? '').filter((app) => isShown(show, byName.get(app.name)));
          const isFiltered = Boolean(search['q'] || show);
          if (all.length === 0) {
            return (
              <Empty title="No app yet" icon={<IconApps size={32} stroke={1.3} />} action={button}>
                An app is a tenant: it has its own rooms, config, recordings and bucket.
              </Empty>
            );
          }
          return (
            <>
              <Toolbar>
                <SearchBox
                  label="Find by name or prefix"
                  value={search['q'] ?? ''}
                  onChange={(q) => setSearch({ q })}
                />
                <NativeSelect
                  aria-label="Which apps"
                  data={SHOWN}
                  value={show}
                  onChange={(event) => setSearch({ show: event.currentTarget.value })}
                />
                {isFiltered ? (
                  <span className="dim">
                    {rows.length} of {plural(all.length, 'app')}
                  </span>
                ) : null}
              </Toolbar>
              <TablePanel>
                <DataTable
                  name="apps"
                  label="Apps"
                  columns={columns}
                  rows={rows}
                  rowKey={(app) => app.name}
                  initialSort={{ column: 'name', isDescending: false }}
                  onOpen={(app) => go(`/apps/${app.name}`)}
                  empty={
                    <Empty
                      title={
                        search['q']
                          ? `No app matches “${search['q']}”`
                          : `No app is ${SHOWN.find(({ value }) => value === show)?.words ?? 'like that'}`
                      }
                      action={<Button onClick={() => setSearch({ q: '', show: '' })}>Clear the filter</Button>}
                    />
                  }
                />
              </TablePanel>
              <CreateApp
                isOpen={isCreating}
                onClose={() => setCreating(false)}
                apps={all}
                onCreated={(name) => markChanged('apps', name)}
              />
            </>
          );
        }}
      </QueryView>
    </Page>
  );
}

const SHOWN = [
  { value: '', label: 'All apps', words: '' },
  { value: 'live', label: 'Live now', words: 'live now' },
  { value: 'recorded', label: 'With recordings', words: 'with recordings' },
  { value: 'failed', label: 'With failed recordings', words: 'with failed recordings' },
  { value: 'unused', label: 'Never used', words: 'unused' },
];

function isShown(show: string, figures: AppFigures | undefined): boolean {
  if (show === '') return true;
  if (figures === undefined) return false;
  if (show === 'live') return figures.activeStreams > 0;
  if (show === 'recorded') return recordingsOf(figures) > 0;
  if (show === 'failed') return figures.vodFailed > 0;
  return !figures.wasLive && figures.vodCount === 0;
}

function filtered(apps: readonly AppRow[], query: string): readonly AppRow[] {
  const needle = query.trim().toLowerCase();
  if (needle === '') return apps;
  return apps.filter((app) =>
    `${app.name}\n${app.displayName}\n${app.livekitRoomPrefix}`.toLowerCase().includes(needle),
  );
}

interface RowActions {
  onRename: (app: AppRow) => void;
  /** Absent without the right to it. */
  onDelete: ((name: string) => void) | undefined;
}

function columnsFor(
  actions: RowActions,
  figures: ReadonlyMap<string, AppFigures>,
  isBucketOpen: boolean,
): readonly Column<AppRow>[] {
  return [
    {
      id: 'name',
      header: 'Name',
      width: 'minmax(160px, 2fr)',
      sort: (app) => app.name,
      cell: (app) => (
        <span className={classes.name}>
          <GoTo to={`/apps/${app.name}`}>{app.name}</GoTo>
          {app.displayName === app.name ? null : <span className="dim">{app.displayName}</span>}
          {app.problems?.length ? (
            <State tone="danger" title={app.problems.map(({ message }) => message).join(' ')}>
              needs attention
            </State>
          ) : null}
        </span>
      ),
    },
    {
      id: 'prefix',
      header: 'Room prefix',
      width: 'minmax(90px, 1fr)',
      from: 'medium',
      sort: (app) => app.livekitRoomPrefix,
      cell: (app) => <code>{app.livekitRoomPrefix}</code>,
    },
    {
      id: 'live',
      header: 'Live',
      width: '56px',
      align: 'end',
      sort: (app) => figures.get(app.name)?.activeStreams,
      cell: (app) => <AppNumber figures={figures.get(app.name)} of="live" />,
    },
    {
      id: 'vods',
      header: 'Recordings',
      width: '84px',
      align: 'end',
      sort: (app) => recordingsOf(figures.get(app.name)),
      cell: (app) => <AppNumber figures={figures.get(app.name)} of="vods" />,
    },
    {
      id: 'bytes',
      header: 'Size',
      width: '84px',
      align: 'end',
      from: 'medium',
      sort: (app) => figures.get(app.name)?.vodBytes,
      cell: (app) => <AppNumber figures={figures.get(app.name)} of="bytes" />,
    },
    {
      id: 'bucket',
      header: 'Bucket',
      width: 'minmax(110px, 1.3fr)',
      from: 'wide',
      cell: (app) => <AppBucket app={app.name} isOpen={isBucketOpen} />,
    },
    {
      id: 'updated',
      header: 'Last change',
      width: '104px',
      sort: (app) => Date.parse(app.updatedAt),
      cell: (app) => <Ago at={app.updatedAt} />,
    },
    { id: 'menu', header: '', width: '28px', cell: (app) => <Actions app={app} {...actions} /> },
  ];
}

function Actions({ app, onRename, onDelete }: RowActions & { app: AppRow }) {
  const go = useGo();
  return (
    <RowMenu label={`Actions for ${app.name}`}>
      <Menu.Item onClick={() => go(`/apps/${app.name}/config`)}>Edit config</Menu.Item>
      <Menu.Item onClick={() => go(`/apps/${app.name}/storage`)}>Set storage</Menu.Item>
      <Menu.Item onClick={() => onRename(app)}>Rename…</Menu.Item>
      <Menu.Divider />
      <Menu.Item color="danger" disabled={onDelete === undefined} onClick={() => onDelete?.(app.name)}>
        Delete app…
      </Menu.Item>
    </RowMenu>
  );
}
