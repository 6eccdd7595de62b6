import { Button, Menu } from '@mantine/core';
import { IconApps, IconPlus } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { createApp, deleteApp, listApps } from '#shared/contract/apps.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { getS3 } from '#shared/contract/s3.ts';
import { getAppStats } from '#shared/contract/streams.ts';
import { useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { GoTo, useGo, useSearchState } from '../../app/links.tsx';
import { useCommands } from '../../app/use-commands.ts';
import { markChanged } from '../../stores/marks.ts';
import { Empty } from '../../ui/empty.tsx';
import { plural } from '../../ui/format.ts';
import { Page, TablePanel, Toolbar } from '../../ui/page.tsx';
import { QueryView } from '../../ui/query-view.tsx';
import { RowMenu } from '../../ui/row-menu.tsx';
import { SearchBox } from '../../ui/search-box.tsx';
import { type Column, DataTable } from '../../ui/table.tsx';
import { Ago } from '../../ui/time.tsx';
import { DeleteApp } from '../app/delete-app.tsx';
import { AppBucket, AppNumber } from './app-cells.tsx';
import classes from './apps.module.css';
import { CreateApp } from './create-app.tsx';
import { RenameApp } from './rename-app.tsx';

export type AppRow = ResultOf<typeof listApps>[number];

/** The tenants of the installation. */
export function AppsPage() {
  const apps = useRead(listApps);
  const lack = useLack(createApp);
  const [search, setSearch] = useSearchState();
  const [isCreating, setCreating] = useState(false);
  const lackDelete = useLack(deleteApp);
  const lackStats = useLack(getAppStats);
  const lackS3 = useLack(getS3);
  const [renaming, setRenaming] = useState<AppRow>();
  const [deleting, setDeleting] = useState<string>();
  const go = useGo();
  const create = (): void => setCreating(true);
  useCommands(
    'apps',
    lack === undefined ? [{ id: 'create-app', group: 'Actions', label: 'Create an app', run: create }] : [],
  );
  const columns = useMemo(
    () =>
      columnsFor(
        { onRename: setRenaming, onDelete: lackDelete === undefined ? setDeleting : undefined },
        { counts: lackStats === undefined, bucket: lackS3 === undefined },
      ),
    [lackDelete, lackStats, lackS3],
  );
  const button = (
    <Button
      variant="filled"
      leftSection={<IconPlus size={15} />}
      onClick={create}
      disabled={lack !== undefined}
      title={lack && `This needs ${lack}.`}
    >
      Create app
    </Button>
  );
  return (
    <Page title="Apps" fill subtitle={apps.data ? plural(apps.data.length, 'app') : undefined} actions={button}>
      <QueryView query={apps} what="the apps" fill>
        {(all) => {
          const rows = filtered(all, search['q'] ?? '');
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
                {search['q'] ? (
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
                      title={`No app matches “${search['q']}”`}
                      action={<Button onClick={() => setSearch({ q: '' })}>Clear the filter</Button>}
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
              <RenameApp app={renaming} onClose={() => setRenaming(undefined)} apps={all} />
              <DeleteApp name={deleting} onClose={() => setDeleting(undefined)} />
            </>
          );
        }}
      </QueryView>
    </Page>
  );
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

function columnsFor(actions: RowActions, open: { counts: boolean; bucket: boolean }): readonly Column<AppRow>[] {
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
      width: '64px',
      align: 'end',
      cell: (app) => <AppNumber app={app.name} of="live" isOpen={open.counts} />,
    },
    {
      id: 'vods',
      header: 'Recordings',
      width: '84px',
      align: 'end',
      cell: (app) => <AppNumber app={app.name} of="vods" isOpen={open.counts} />,
    },
    {
      id: 'bytes',
      header: 'Size',
      width: '84px',
      align: 'end',
      from: 'medium',
      cell: (app) => <AppNumber app={app.name} of="bytes" isOpen={open.counts} />,
    },
    {
      id: 'bucket',
      header: 'Bucket',
      width: 'minmax(110px, 1.3fr)',
      from: 'medium',
      cell: (app) => <AppBucket app={app.name} isOpen={open.bucket} />,
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
