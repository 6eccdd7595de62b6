import { Button } from '@mantine/core';
import {
  disablePlugin,
  enablePlugin,
  getPlugin,
  removePlugin,
  rollBackPlugin,
  updatePlugin,
} from '#shared/contract/plugins.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useGuard } from '../../api/rights.ts';
import { ask } from '../../ui/feedback/confirm.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { Facts } from '../../ui/layout/page.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { bytes, plural } from '../../ui/words/format.ts';
import { Ago, At } from '../../ui/words/time.tsx';
import classes from './plugin-panel.module.css';
import {
  ISOLATION,
  isBroken,
  ORIGINS,
  PATIENCE,
  PLUGIN_MEANINGS,
  PLUGIN_TONES,
  type Plugin,
  REFRESHES,
} from './plugin-words.ts';

/** One plugin: its state and reason, what it adds, its permissions and its actions. */
export function PluginPanel({
  plugin,
  isSafeMode,
  onClose,
  onUpdate,
}: {
  plugin: Plugin | undefined;
  isSafeMode: boolean;
  onClose: () => void;
  onUpdate: () => void;
}) {
  const enable = useChange(enablePlugin, { refreshes: REFRESHES, timeout: PATIENCE });
  const disable = useChange(disablePlugin, { refreshes: REFRESHES });
  const remove = useChange(removePlugin, { refreshes: REFRESHES });
  const rollBack = useChange(rollBackPlugin, { refreshes: [...REFRESHES, getPlugin], timeout: PATIENCE });
  const guards = {
    enable: useGuard(enablePlugin),
    disable: useGuard(disablePlugin),
    remove: useGuard(removePlugin),
    rollBack: useGuard(rollBackPlugin),
    update: useGuard(updatePlugin),
  };
  const params = { params: { id: plugin?.id ?? '' } };
  const detail = useRead(getPlugin, params, { enabled: plugin !== undefined }).data;
  const isInstalled = plugin?.origin === 'installed';
  const askToRemove = (shown: Plugin): void => {
    const usedBy = detail?.usedBy ?? [];
    ask({
      title: `Remove ${shown.title}`,
      body: (
        <>
          <p>
            Its files are deleted, with the version that is kept for a rollback. Running work has 30 seconds to finish.
          </p>
          {usedBy.length > 0 ? (
            <p>
              These apps use its storage: <strong>{usedBy.join(', ')}</strong>. They record nothing until the plugin is
              back or you choose another storage provider for them. Their recordings stay in the storage.
            </p>
          ) : null}
        </>
      ),
      action: usedBy.length > 0 ? 'Remove plugin anyway' : 'Remove plugin',
      isDangerous: true,
      run: async () => {
        await remove.mutateAsync({ ...params, query: usedBy.length > 0 ? { force: true } : {} });
        onClose();
      },
    });
  };
  const askToRollBack = (shown: Plugin): void =>
    ask({
      title: `Roll back ${shown.title}`,
      body: (
        <p>
          Version {detail?.previous?.version ?? 'before the last update'} replaces version {shown.version ?? 'none'}. A
          second rollback undoes this.
        </p>
      ),
      action: 'Roll back plugin',
      run: () => rollBack.mutateAsync(params),
    });
  const isHeldOff = isSafeMode && plugin?.origin !== 'built-in';
  const askToDisable = (shown: Plugin): void =>
    ask({
      title: `Disable ${shown.title}`,
      body: <p>{effectOfDisabling(shown)}</p>,
      action: 'Disable plugin',
      run: () => disable.mutateAsync(params),
    });
  return (
    <SidePanel
      isOpen={plugin !== undefined}
      onClose={onClose}
      title={plugin?.title ?? ''}
      footer={
        plugin ? (
          <>
            {isInstalled ? (
              <>
                <Button
                  color="red"
                  variant="subtle"
                  {...guards.remove}
                  disabled={guards.remove.disabled || detail === undefined}
                  onClick={() => askToRemove(plugin)}
                >
                  Remove plugin
                </Button>
                {detail?.previous ? (
                  <Button {...guards.rollBack} onClick={() => askToRollBack(plugin)}>
                    Roll back plugin
                  </Button>
                ) : null}
                <Button {...guards.update} onClick={onUpdate}>
                  Update plugin…
                </Button>
              </>
            ) : null}
            {plugin.enabled ? (
              <Button {...guards.disable} onClick={() => askToDisable(plugin)}>
                Disable plugin
              </Button>
            ) : null}
            {!plugin.enabled && !isHeldOff ? (
              <Button
                variant="filled"
                {...guards.enable}
                loading={enable.isPending}
                onClick={() => enable.mutate(params)}
              >
                Enable plugin
              </Button>
            ) : null}
            {plugin.enabled && isBroken(plugin) && !isHeldOff ? (
              <Button
                variant="filled"
                {...guards.enable}
                loading={enable.isPending}
                onClick={() => enable.mutate(params)}
              >
                Try plugin again
              </Button>
            ) : null}
          </>
        ) : null
      }
    >
      {plugin ? (
        <div className="stack">
          {enable.error ? <Problem error={enable.error} /> : null}
          {disable.error ? <Problem error={disable.error} /> : null}
          <Details plugin={plugin} />
          <Documentation id={plugin.id} />
        </div>
      ) : null}
    </SidePanel>
  );
}

function effectOfDisabling(plugin: Plugin): string {
  const parts = [
    ...(plugin.presets.length > 0
      ? [`${plural(plugin.presets.length, 'preset')} can no longer be applied; what they set stays set.`]
      : []),
    ...(plugin.storageProviders.length > 0
      ? [
          `Apps that keep recordings with ${plugin.storageProviders.map((one) => one.title).join(', ')} keep their settings and their recordings, but links, tests and deletions fail until it is enabled again.`,
        ]
      : []),
  ];
  return `${parts.join(' ')} Running work has 30 seconds to finish. It stays disabled after restarts.`.trim();
}

function Details({ plugin }: { plugin: Plugin }) {
  const { state, limits } = plugin;
  return (
    <>
      <div className="row">
        <State tone={PLUGIN_TONES[state]}>{state}</State>
        <span className="dim">
          since <At at={plugin.since} />
        </span>
      </div>
      {plugin.reason ? (
        <Notice tone={isBroken(plugin) ? 'danger' : 'info'} title={plugin.reason} role="alert">
          <p>{PLUGIN_MEANINGS[state]}</p>
        </Notice>
      ) : (
        <p className="dim">{PLUGIN_MEANINGS[state]}</p>
      )}
      {plugin.lastFault && plugin.lastFault.reason !== plugin.reason ? (
        <Notice tone="warn" title={`Last fault: ${plugin.lastFault.reason}`}>
          <p>
            <At at={plugin.lastFault.at} />, {plural(plugin.crashes, 'crash', 'crashes')} since it was last enabled or
            reloaded
          </p>
        </Notice>
      ) : null}
      {plugin.warnings.map((warning) => (
        <Notice key={warning} tone="warn" title={warning} />
      ))}
      {plugin.description ? <p>{plugin.description}</p> : null}
      {plugin.problems.length > 0 ? (
        <section>
          <h3>What to do</h3>
          <ul>
            {plugin.problems.map((problem) => (
              <li key={`${problem.code} ${problem.file} ${problem.key}`}>{problem.cure}</li>
            ))}
          </ul>
        </section>
      ) : null}
      <Facts
        items={{
          Id: <code>{plugin.id}</code>,
          Version: plugin.version ?? <span className="dim">none</span>,
          From: ORIGINS[plugin.origin],
          Author: plugin.author ?? undefined,
          Licence: plugin.license ?? undefined,
          Homepage: plugin.homepage ? <code>{plugin.homepage}</code> : undefined,
          Presets: plugin.presets.length > 0 ? plugin.presets.map((one) => one.title).join(', ') : undefined,
          'Storage providers':
            plugin.storageProviders.length > 0 ? plugin.storageProviders.map((one) => one.title).join(', ') : undefined,
          'Its code runs in': ISOLATION[plugin.isolation],
          Limits: limits
            ? `${limits.memoryMb} MiB, ${limits.loadSeconds} s to load, ${limits.callSeconds} s a call`
            : undefined,
        }}
      />
      {plugin.permissions.length > 0 ? (
        <section>
          <h3>What its code may do</h3>
          <ul>
            {plugin.permissions.map((permission) => (
              <li key={permission}>{permission}</li>
            ))}
          </ul>
        </section>
      ) : null}
      {plugin.processes.length > 0 ? (
        <section>
          <h3>Its processes</h3>
          <ul>
            {plugin.processes.map((one) => (
              <li key={`${one.app} ${one.since}`}>
                {one.app === null ? 'Forms and settings' : `App ${one.app}`}: {one.state} since <Ago at={one.since} />
                {one.memoryBytes > 0 ? `, ${bytes(one.memoryBytes)}` : ''}
              </li>
            ))}
          </ul>
        </section>
      ) : null}
    </>
  );
}

/** The author's text as plain text: it comes from outside and is never markup. */
function Documentation({ id }: { id: string }) {
  const { data } = useRead(getPlugin, { params: { id } });
  if (!data?.documentation) return null;
  return (
    <section>
      <h3>Documentation</h3>
      <pre className={classes.documentation}>{data.documentation}</pre>
    </section>
  );
}
