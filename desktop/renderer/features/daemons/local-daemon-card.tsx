import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import type { LocalDaemon } from '#shared/ipc/local-daemon.ts';
import { opened } from '../../host/bridge-desktop.ts';
import { bridge } from '../../host/host.ts';
import { CopyBox } from '../../ui/data/copy.tsx';
import { Problem } from '../../ui/feedback/problem.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { Panel } from '../../ui/layout/page.tsx';
import { useKeychain } from '../sign-in/use-keychain.ts';

/** The daemon that this app runs on this machine. */
function useLocalDaemon(): LocalDaemon | undefined {
  const native = bridge().desktop?.localDaemon;
  const client = useQueryClient();
  const query = useQuery({
    queryKey: ['host', 'local-daemon'],
    queryFn: async () => (native ? opened(await native.state()) : null),
    enabled: native !== undefined,
  });
  useEffect(() => native?.onChanged((state) => client.setQueryData(['host', 'local-daemon'], state)), [native, client]);
  return query.data ?? undefined;
}

/** One click: a separate daemon on this machine, to look around with. */
export function LocalDaemonCard() {
  const native = bridge().desktop?.localDaemon;
  const local = useLocalDaemon();
  const keychain = useKeychain();
  const navigate = useNavigate();
  const [error, setError] = useState<unknown>();
  if (native === undefined || local === undefined || local.status === 'unavailable') return null;
  const start = async (): Promise<void> => {
    setError(undefined);
    try {
      const started = opened(await native.start({ keep: keychain?.state === 'ready' ? 'keychain' : 'session' }));
      if (started.connectionId) void navigate({ to: `/d/${started.connectionId}` as '/' });
    } catch (failure) {
      setError(failure);
    }
  };
  const isBusy = local.status === 'starting' || local.status === 'stopping';
  return (
    <Panel title="A daemon on this machine">
      <div className="stack">
        {local.status === 'running' ? (
          <State tone="ok">{`running at ${local.url ?? ''}`}</State>
        ) : (
          <p className="dim">
            No server needed for a first look: it starts here, with its own data, and this app signs in to it.
          </p>
        )}
        {local.status === 'failed' && local.error ? (
          <Problem error={new Error(local.error.message)}>
            {local.output.length > 0 ? <CopyBox text={local.output.join('\n')} what="output" /> : null}
          </Problem>
        ) : null}
        {error === undefined ? null : <Problem error={error} />}
        <div className="row">
          {local.status === 'running' ? (
            <>
              {local.connectionId ? (
                <Button variant="filled" onClick={() => void navigate({ to: `/d/${local.connectionId}` as '/' })}>
                  Open it
                </Button>
              ) : (
                <Button variant="filled" onClick={() => void start()}>
                  Connect to it
                </Button>
              )}
              <Button onClick={() => void native.stop()}>Stop it</Button>
            </>
          ) : (
            <Button onClick={() => void start()} loading={isBusy}>
              Start a daemon here
            </Button>
          )}
        </div>
      </div>
    </Panel>
  );
}
