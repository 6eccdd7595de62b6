import { Button } from '@mantine/core';
import {
  getManagedLiveKit,
  restartManagedLiveKit,
  startManagedLiveKit,
  stopManagedLiveKit,
} from '#shared/contract/livekit.ts';
import { getSettings } from '#shared/contract/system.ts';
import { getLiveKit } from '#shared/contract/webhooks.ts';
import type { ManagedLiveKit, ManagedProgram } from '#shared/schema/livekit.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useGuard } from '../../api/rights.ts';
import { GoTo } from '../../daemon/links.tsx';
import { CopyBox, Mono } from '../../ui/data/copy.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { ask } from '../../ui/feedback/confirm.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { Facts, Page, Panel, TablePanel } from '../../ui/layout/page.tsx';
import { useCommands } from '../../ui/palette/use-commands.ts';
import { Ago } from '../../ui/words/time.tsx';
import { LiveKitTabs } from './livekit-tabs.tsx';
import { PROGRAM_NAMES, PROGRAM_USES, STATE_WORDS } from './program-words.ts';
import { RunHere, useLiveKitMode } from './run-here.tsx';

const columns: readonly Column<ManagedProgram>[] = [
  {
    id: 'program',
    header: 'Program',
    isName: true,
    width: 'minmax(215px, 1.4fr)',
    cell: ({ program }) => (
      <>
        {PROGRAM_NAMES[program]} <span className="dim">{PROGRAM_USES[program]}</span>
      </>
    ),
  },
  {
    id: 'state',
    header: 'State',
    width: '130px',
    cell: ({ state }) => <State tone={STATE_WORDS[state][1]}>{STATE_WORDS[state][0]}</State>,
  },
  {
    id: 'version',
    header: 'Version',
    width: '70px',
    cell: ({ version, pid }) => (pid === null ? null : version),
  },
  {
    id: 'process',
    header: 'Process',
    width: '110px',
    cell: ({ pid, runsIn }) => (pid === null ? null : runsIn === 'container' ? `container (${pid})` : String(pid)),
  },
  { id: 'since', header: 'Started', width: '90px', cell: ({ since }) => (since === null ? null : <Ago at={since} />) },
  { id: 'restarts', header: 'Restarts', width: '70px', align: 'end', cell: ({ restarts }) => restarts },
  {
    id: 'ports',
    header: 'Ports',
    width: 'minmax(190px, 1.2fr)',
    cell: ({ ports }) => ports.map(({ port, protocol }) => `${port}/${protocol}`).join(', '),
  },
];

/** LiveKit that the daemon runs on its own machine: its programs, what is missing, start and stop. */
export function LiveKitPage() {
  const here = useRead(getManagedLiveKit);
  return (
    <Page
      title="LiveKit"
      actions={here.data?.mode === 'managed' && here.data.overriddenBy === null ? <Actions here={here.data} /> : null}
    >
      <LiveKitTabs current="programs" />
      <QueryView query={here} what="LiveKit on this machine">
        {(data) => (data.mode === 'managed' ? <Managed here={data} /> : <External />)}
      </QueryView>
    </Page>
  );
}

function Actions({ here }: { here: ManagedLiveKit }) {
  const refreshes = [getManagedLiveKit];
  const start = useChange(startManagedLiveKit, { refreshes });
  const stop = useChange(stopManagedLiveKit, { refreshes });
  const restart = useChange(restartManagedLiveKit, { refreshes });
  const guards = {
    start: useGuard(startManagedLiveKit),
    stop: useGuard(stopManagedLiveKit),
    restart: useGuard(restartManagedLiveKit),
  };
  const end = (what: 'stop' | 'restart', isNow: boolean): void =>
    ask({
      title: what === 'stop' ? 'Stop LiveKit' : 'Restart LiveKit',
      body: isNow ? (
        <p>Open rooms end immediately, and everyone in them is disconnected.</p>
      ) : (
        <p>
          Open rooms and recordings finish first. No new room is accepted in the meantime
          {what === 'stop' ? '. LiveKit stays stopped until you start it again.' : '.'}
        </p>
      ),
      action: what === 'stop' ? 'Stop LiveKit' : 'Restart LiveKit',
      isDangerous: isNow,
      run: () => (what === 'stop' ? stop : restart).mutateAsync({ body: { now: isNow } }),
    });
  const isEnding = here.state === 'draining';
  useCommands(
    'livekit',
    guards.restart.disabled
      ? []
      : [{ id: 'restart-livekit', group: 'Actions', label: 'Restart LiveKit', run: () => end('restart', false) }],
  );
  if (here.wanted === 'stopped' && here.state === 'off')
    return (
      <>
        {start.error ? <Problem error={start.error} title="LiveKit could not be started." /> : null}
        <Button variant="filled" {...guards.start} loading={start.isPending} onClick={() => start.mutate({})}>
          Start LiveKit
        </Button>
      </>
    );
  return (
    <>
      <Button {...guards.stop} onClick={() => end('stop', isEnding)}>
        {isEnding ? 'Stop now' : 'Stop LiveKit'}
      </Button>
      <Button {...guards.restart} onClick={() => end('restart', isEnding)}>
        {isEnding ? 'Restart now' : 'Restart LiveKit'}
      </Button>
    </>
  );
}

function Managed({ here }: { here: ManagedLiveKit }) {
  const change = useLiveKitMode();
  const missing = here.programs.filter(({ cure }) => cure !== null);
  const problems = here.programs.filter(({ problem, state }) => problem !== null && state !== 'missing');
  return (
    <div className="stack">
      {here.overriddenBy === null ? null : (
        <Notice tone="warn" title="No LiveKit is started">
          <p>
            LIVEKIT_MODE is managed, but {here.overriddenBy} takes precedence. Remove one of them where the daemon is
            started.
          </p>
        </Notice>
      )}
      {problems.map(({ program, problem }) => (
        <Notice key={program} tone="danger" title={`${PROGRAM_NAMES[program]} isn’t running`}>
          <p>{problem}</p>
        </Notice>
      ))}
      {here.restartNeeded ? (
        <Notice tone="warn" title="A restart is needed">
          <p>LiveKit runs with an older configuration. Restart it to apply the present one.</p>
        </Notice>
      ) : null}
      <TablePanel>
        <DataTable
          name="livekit-programs"
          label="Programs"
          columns={columns}
          rows={here.programs}
          rowKey={({ program }) => program}
          maxHeight={320}
        />
      </TablePanel>
      <Panel
        title="On this machine"
        actions={
          <GoTo to="/logs" search={{ source: 'livekit-server' }}>
            Show log
          </GoTo>
        }
      >
        <Facts
          items={{
            'Address for the daemon': here.url === null ? 'none' : <Mono what="address">{here.url}</Mono>,
            'Address for clients': here.publicUrl === null ? 'none' : <Mono what="address">{here.publicUrl}</Mono>,
            'Doesn’t work': here.excludes.length === 0 ? 'everything works' : `${here.excludes.join('. ')}.`,
          }}
        />
      </Panel>
      {missing.length === 0 ? null : (
        <Panel title="Not installed">
          <div className="stack">
            {missing.map(({ program, problem, cure }) => (
              <div key={program} className="stack">
                <p>
                  {PROGRAM_NAMES[program]} ({PROGRAM_USES[program]}): {problem} Run this command on the server:
                </p>
                <CopyBox text={cure ?? ''} what={`command for ${PROGRAM_NAMES[program]}`} />
              </div>
            ))}
          </div>
        </Panel>
      )}
      <Panel title="Use another LiveKit">
        <p className="dim">
          The daemon then uses the address and keys of the settings. LiveKit on this machine ends when its last room
          does.
        </p>
        {change.error ? <Problem error={change.error} title="The mode could not be changed." /> : null}
        <Button
          size="xs"
          onClick={() =>
            ask({
              title: 'Use another LiveKit',
              body: (
                <p>
                  LiveKit on this machine is stopped when its last room ends. Until you connect another, nothing can be
                  streamed.
                </p>
              ),
              action: 'Use another LiveKit',
              isDangerous: true,
              run: () => change.mutateAsync({ body: { values: { LIVEKIT_MODE: 'external' } } }),
            })
          }
        >
          Use another LiveKit
        </Button>
      </Panel>
    </div>
  );
}

/** Others run it. */
function External() {
  const settings = useRead(getSettings).data;
  const livekit = useRead(getLiveKit).data;
  const isSet = settings?.livekit.apiKeySet === true;
  return (
    <div className="stack">
      <Panel title="Run LiveKit on this machine">
        <p className="dim">
          The daemon starts a LiveKit server, and Redis, egress and ingress where their programs are there. It makes the
          keys, and keeps them running.
          {isSet ? ' It then no longer uses the LiveKit below.' : ''}
        </p>
        <RunHere isPrimary={!isSet} />
      </Panel>
      <Panel
        title="LiveKit that runs elsewhere"
        actions={
          <GoTo to="/settings" search={{ connect: 'livekit' }}>
            Connect LiveKit
          </GoTo>
        }
      >
        <Facts
          items={{
            State:
              livekit === undefined ? (
                ''
              ) : livekit.status === 'reachable' ? (
                <State tone="ok">connected</State>
              ) : (
                <State tone={isSet ? 'danger' : 'muted'}>{isSet ? 'unreachable' : 'not set up'}</State>
              ),
            Address: isSet ? (livekit?.url ?? '') : 'none',
          }}
        />
      </Panel>
    </div>
  );
}
