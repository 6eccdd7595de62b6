import { Button } from '@mantine/core';
import { IconPlugConnected } from '@tabler/icons-react';
import { useState } from 'react';
import { installPlugin, listPlugins, reloadPlugins } from '#shared/contract/plugins.ts';
import { getSettings } from '#shared/contract/system.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useGuard } from '../../api/rights.ts';
import { useSearchState } from '../../daemon/links.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { State, Tag } from '../../ui/feedback/state.tsx';
import { Page, TablePanel } from '../../ui/layout/page.tsx';
import { usePanelKey } from '../../ui/layout/panel-key.ts';
import { useCommands } from '../../ui/palette/use-commands.ts';
import { plural } from '../../ui/words/format.ts';
import { Ago } from '../../ui/words/time.tsx';
import { InstallPlugin } from './install-plugin.tsx';
import { PluginPanel } from './plugin-panel.tsx';
import { brings, isBroken, ORIGINS, PLUGIN_MEANINGS, PLUGIN_TONES, type Plugin, REFRESHES } from './plugin-words.ts';

const columns: readonly Column<Plugin>[] = [
  {
    id: 'state',
    header: 'State',
    width: '120px',
    sort: (plugin) => plugin.state,
    cell: (plugin) => (
      <State tone={PLUGIN_TONES[plugin.state]} title={PLUGIN_MEANINGS[plugin.state]}>
        {plugin.state}
      </State>
    ),
  },
  {
    id: 'title',
    header: 'Plugin',
    isName: true,
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
  {
    id: 'origin',
    header: 'From',
    width: '112px',
    sort: (plugin) => plugin.origin,
    cell: (plugin) => ORIGINS[plugin.origin],
  },
  {
    id: 'brings',
    header: 'Provides',
    width: 'minmax(160px, 2fr)',
    cell: (plugin) => <span className="dim">{brings(plugin)}</span>,
  },
  {
    id: 'since',
    header: 'Since',
    width: '110px',
    from: 'wide',
    sort: (plugin) => Date.parse(plugin.since),
    cell: (plugin) => <Ago at={plugin.since} />,
  },
];

/** What extends the daemon: presets and storage providers, built in and installed. */
export function PluginsPage() {
  const plugins = useRead(listPlugins);
  const settings = useRead(getSettings);
  const reload = useChange(reloadPlugins, { refreshes: REFRESHES, timeout: 180_000 });
  const [search, setSearch] = useSearchState();
  const panelKey = usePanelKey(search['plugin']);
  const [isInstalling, setInstalling] = useState(false);
  const [updating, setUpdating] = useState<string>();
  const updated = plugins.data?.find((plugin) => plugin.id === updating);
  const close = (): void => {
    setInstalling(false);
    setUpdating(undefined);
  };
  const open = plugins.data?.find((plugin) => plugin.id === search['plugin']);
  const run = (): void => reload.mutate({});
  const install = useGuard(installPlugin);
  const guard = useGuard(reloadPlugins);
  useCommands(
    'plugins',
    guard.disabled ? [] : [{ id: 'reload-plugins', group: 'Actions', label: 'Reload plugins', run }],
  );
  const isSafeMode = settings.data?.runtime.safeMode === true;
  const folder = `${settings.data?.storage.dataDir ?? '<DATA_DIR>'}/plugins`;
  return (
    <Page
      title="Plugins"
      fill
      subtitle={plugins.data ? plural(plugins.data.length, 'plugin') : undefined}
      actions={
        <>
          <Button {...install} onClick={() => setInstalling(true)}>
            Install plugin…
          </Button>
          <Button variant="filled" {...guard} loading={reload.isPending} onClick={run}>
            Reload plugins
          </Button>
        </>
      }
    >
      {reload.error ? <Problem error={reload.error} onRetry={run} /> : null}
      <QueryView query={plugins} what="the plugins" fill>
        {(list) => (
          <>
            {isSafeMode ? (
              <Notice tone="warn" title="Started with --safe: plugins that are not built in stay off">
                <p>Disable the one that makes trouble once it is known, then restart the daemon without --safe.</p>
              </Notice>
            ) : null}
            {list.filter(isBroken).map((plugin) => (
              <Notice
                key={plugin.id}
                tone="danger"
                title={`${plugin.title} ${plugin.state === 'failed' ? 'failed' : 'is quarantined'}`}
                action={
                  <Button size="xs" onClick={() => setSearch({ plugin: plugin.id })}>
                    Show plugin
                  </Button>
                }
              >
                <p>
                  {plugin.reason}{' '}
                  <span className="dim">
                    (<Ago at={plugin.since} />)
                  </span>
                </p>
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
      <PluginPanel
        key={panelKey}
        plugin={open}
        isSafeMode={isSafeMode}
        onClose={() => setSearch({ plugin: undefined })}
        onUpdate={() => {
          setUpdating(open?.id);
          setSearch({ plugin: undefined });
        }}
      />
      {isInstalling || updated !== undefined ? (
        <InstallPlugin
          update={updated}
          folder={folder}
          onClose={close}
          onDone={(id) => {
            close();
            setSearch({ plugin: id });
          }}
        />
      ) : null}
    </Page>
  );
}
