import { Button } from '@mantine/core';
import { IconPlugConnected } from '@tabler/icons-react';
import { useState } from 'react';
import type { ResultOf } from '#shared/contract/operation.ts';
import { listPlugins, reloadPlugins } from '#shared/contract/plugins.ts';
import { listPresets } from '#shared/contract/presets.ts';
import { listStorageProviders } from '#shared/contract/s3.ts';
import { getSettings } from '#shared/contract/system.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useSearchState } from '../../app/links.tsx';
import { useCommands } from '../../app/use-commands.ts';
import { CopyBox } from '../../ui/copy.tsx';
import { Empty } from '../../ui/empty.tsx';
import { plural } from '../../ui/format.ts';
import { Facts, Page, TablePanel } from '../../ui/page.tsx';
import { Notice, Problem } from '../../ui/problem.tsx';
import { QueryView } from '../../ui/query-view.tsx';
import { SidePanel } from '../../ui/side-panel.tsx';
import { State, Tag, type Tone } from '../../ui/state.tsx';
import { type Column, DataTable } from '../../ui/table.tsx';

type Plugin = ResultOf<typeof listPlugins>['data'][number];
const refreshes = [listPlugins, listPresets, listStorageProviders];

export const PLUGIN_TONES: Record<string, Tone> = {
  failed: 'danger',
  loaded: 'ok',
  verified: 'ok',
  running: 'ok',
  disabled: 'muted',
  quarantined: 'danger',
};

const columns: readonly Column<Plugin>[] = [
  {
    id: 'state',
    header: 'State',
    width: '120px',
    sort: (plugin) => plugin.state,
    cell: (plugin) => <State tone={PLUGIN_TONES[plugin.state] ?? 'info'}>{plugin.state}</State>,
  },
  {
    id: 'title',
    header: 'Plugin',
    width: 'minmax(160px, 2fr)',
    sort: (plugin) => plugin.title,
    cell: (plugin) => (
      <span className="row">
        <span className="cut">
          {plugin.title} <span className="dim">{plugin.id}</span>
        </span>
        {plugin.warnings.length > 0 ? <Tag tone="warn">{plural(plugin.warnings.length, 'warning')}</Tag> : null}
      </span>
    ),
  },
  {
    id: 'version',
    header: 'Version',
    width: '80px',
    sort: (plugin) => plugin.version,
    cell: (plugin) => plugin.version ?? <span className="dim">none</span>,
  },
  { id: 'origin', header: 'From', width: '96px', sort: (plugin) => plugin.origin, cell: (plugin) => plugin.origin },
  {
    id: 'brings',
    header: 'Brings',
    width: 'minmax(160px, 2fr)',
    cell: (plugin) => <span className="dim">{brings(plugin)}</span>,
  },
];

const brings = (plugin: Plugin): string =>
  [...plugin.presets, ...plugin.storageProviders].map((one) => one.title).join(', ');

/** What extends the daemon: presets and storage providers, built in and installed. */
export function PluginsPage() {
  const plugins = useRead(listPlugins);
  const settings = useRead(getSettings);
  const reload = useChange(reloadPlugins, { refreshes, timeout: 60_000 });
  const [search, setSearch] = useSearchState();
  const [isHelpOpen, setHelpOpen] = useState(false);
  const open = plugins.data?.find((plugin) => plugin.id === search['plugin']);
  const run = (): void => reload.mutate({});
  useCommands('plugins', [{ id: 'reload-plugins', group: 'Actions', label: 'Look for plugins again', run }]);
  const folder = `${settings.data?.storage.dataDir ?? '<DATA_DIR>'}/plugins`;
  return (
    <Page
      title="Plugins"
      fill
      subtitle={plugins.data ? plural(plugins.data.length, 'plugin') : undefined}
      actions={
        <>
          <Button onClick={() => setHelpOpen(true)}>Install one…</Button>
          <Button variant="filled" loading={reload.isPending} onClick={run}>
            Reload plugins
          </Button>
        </>
      }
    >
      {reload.error ? <Problem error={reload.error} onRetry={run} /> : null}
      <QueryView query={plugins} what="the plugins" fill>
        {(list) => (
          <>
            {list
              .filter((plugin) => plugin.state === 'failed')
              .map((plugin) => (
                <Notice key={plugin.id} tone="danger" title={`${plugin.title} failed`}>
                  <p>{plugin.reason}</p>
                </Notice>
              ))}
            <TablePanel>
              <DataTable
                name="plugins"
                label="Plugins"
                columns={columns}
                rows={list}
                rowKey={(plugin) => plugin.id}
                openKey={open?.id ?? null}
                onOpen={(plugin) => setSearch({ plugin: plugin.id })}
                empty={<Empty title="No plugin" icon={<IconPlugConnected size={32} stroke={1.3} />} />}
              />
            </TablePanel>
          </>
        )}
      </QueryView>
      <SidePanel isOpen={open !== undefined} onClose={() => setSearch({ plugin: undefined })} title={open?.title ?? ''}>
        {open ? <Details plugin={open} /> : null}
      </SidePanel>
      <SidePanel isOpen={isHelpOpen} onClose={() => setHelpOpen(false)} title="Install a plugin">
        <p>Put its folder, with its plugin.json, into the daemon’s plugin folder:</p>
        <CopyBox text={folder} what="plugin folder" />
        <p>
          Then press “Reload plugins”. Nothing has to be restarted; what is under way goes on with the code it began
          with.
        </p>
        <p className="dim">
          To write one: a preset is one YAML file, a storage provider one small module. The guide is docs/plugins.md of
          the package.
        </p>
      </SidePanel>
    </Page>
  );
}

function Details({ plugin }: { plugin: Plugin }) {
  return (
    <>
      <State tone={PLUGIN_TONES[plugin.state] ?? 'info'}>{plugin.state}</State>
      <p>{plugin.description}</p>
      {plugin.reason ? <Notice tone="danger" title={plugin.reason} role="alert" /> : null}
      {plugin.warnings.map((warning) => (
        <Notice key={warning} tone="warn" title={warning} />
      ))}
      <Facts
        items={{
          Id: <code>{plugin.id}</code>,
          Version: plugin.version ?? <span className="dim">none</span>,
          From: plugin.origin === 'built-in' ? 'built in' : 'the plugin folder',
          Presets: plugin.presets.length > 0 ? plugin.presets.map((one) => one.title).join(', ') : undefined,
          'Storage providers':
            plugin.storageProviders.length > 0 ? plugin.storageProviders.map((one) => one.title).join(', ') : undefined,
        }}
      />
    </>
  );
}
