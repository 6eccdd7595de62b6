import { Button, SegmentedControl, Switch, useMantineColorScheme } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { Preferences } from '#shared/ipc/desktop.ts';
import { useConnections } from '../../daemon/connections.ts';
import { opened } from '../../host/bridge-desktop.ts';
import { bridge } from '../../host/host.ts';
import { Mono } from '../../ui/data/copy.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { Facts, Page, Panel } from '../../ui/layout/page.tsx';
import { LocalDaemonCard } from '../daemons/local-daemon-card.tsx';
import { UnlockKeychain } from '../sign-in/keychain-notice.tsx';
import { useKeychain } from '../sign-in/use-keychain.ts';

const SWITCHES: readonly [
  name: Exclude<keyof Preferences, 'theme'>,
  label: string,
  group: 'tell' | 'window' | 'local',
][] = [
  ['notifyIncidents', 'Tell me about incidents', 'tell'],
  ['notifyConnectionLost', 'Tell me when a daemon cannot be reached', 'tell'],
  ['closeToTray', 'Stay in the tray when the window is closed', 'window'],
  ['startLocalDaemon', 'Start the daemon on this machine with the app', 'local'],
  ['keepLocalDaemon', 'Leave it running when the app quits', 'local'],
];

/** What this app does on this machine. */
export function PreferencesPage() {
  const native = bridge().desktop?.desktop;
  const client = useQueryClient();
  const { setColorScheme } = useMantineColorScheme();
  const preferences = useQuery({
    queryKey: ['host', 'preferences'],
    queryFn: async () => (native ? opened(await native.preferences()) : null),
  });
  const set = async (change: Partial<Preferences>): Promise<void> => {
    if (native === undefined) return;
    client.setQueryData(['host', 'preferences'], opened(await native.setPreferences(change)));
  };
  const group = (data: Preferences, wanted: string) => (
    <div className="stack" style={{ gap: 10 }}>
      {SWITCHES.filter(([, , one]) => one === wanted).map(([name, label]) => (
        <Switch
          key={name}
          label={label}
          checked={data[name]}
          onChange={(event) => void set({ [name]: event.currentTarget.checked })}
        />
      ))}
    </div>
  );
  return (
    <Page title="Settings of this app" wide={false}>
      <QueryView query={preferences} what="the settings of the app">
        {(data) => (
          <div className="stack" style={{ gap: 16 }}>
            <Panel title="Look">
              <SegmentedControl
                aria-label="Light or dark"
                value={data.theme}
                onChange={(value) => {
                  const theme = value as Preferences['theme'];
                  setColorScheme(theme === 'system' ? 'auto' : theme);
                  void set({ theme });
                }}
                data={[
                  { value: 'system', label: 'System' },
                  { value: 'light', label: 'Light' },
                  { value: 'dark', label: 'Dark' },
                ]}
              />
            </Panel>
            <Panel title="Notifications">{group(data, 'tell')}</Panel>
            <Panel title="Window">{group(data, 'window')}</Panel>
            <LocalDaemonCard />
            <Panel title="With the app">{group(data, 'local')}</Panel>
            <KeychainPanel />
            <About />
          </div>
        )}
      </QueryView>
    </Page>
  );
}

function KeychainPanel() {
  const native = bridge().desktop?.keychain;
  const keychain = useKeychain();
  const client = useQueryClient();
  const connections = useConnections((state) => state.list);
  if (native === undefined || keychain === undefined) return null;
  const refresh = (): void => void client.invalidateQueries({ queryKey: ['host', 'keychain'] });
  const names = keychain.sessionOnly.map((id) => connections.find((one) => one.id === id)?.name ?? id);
  return (
    <Panel title="Keychain" note={keychain.service}>
      <div className="stack">
        <State tone={keychain.state === 'ready' ? 'ok' : 'warn'}>{keychain.message}</State>
        {keychain.hint ? <p className="dim">{keychain.hint}</p> : null}
        {keychain.canUnlock && keychain.state === 'locked' ? (
          <div>
            <UnlockKeychain />
          </div>
        ) : null}
        {names.length > 0 ? (
          <Notice
            tone="info"
            title={`Signed in until the app ends: ${names.join(', ')}`}
            action={
              keychain.state === 'ready' ? (
                <Button
                  size="xs"
                  onClick={() => void Promise.all(keychain.sessionOnly.map((id) => native.keep({ id }))).then(refresh)}
                >
                  Keep in the keychain
                </Button>
              ) : null
            }
          />
        ) : null}
      </div>
    </Panel>
  );
}

/** What was tried and found, for anyone who helps; no secret is in it. */
function CopyReport() {
  const native = bridge().desktop?.desktop;
  const [done, setDone] = useState<string>();
  const [failure, setFailure] = useState<unknown>();
  if (native === undefined) return null;
  const copy = async (): Promise<void> => {
    try {
      await bridge().copyText(opened(await native.report()));
      setDone('On the clipboard');
      setFailure(undefined);
    } catch (error) {
      setFailure(error);
    }
  };
  return (
    <>
      {failure === undefined ? null : <Problem error={failure} />}
      <span role="status" className="dim">
        {done}
      </span>
      <Button size="xs" onClick={() => void copy()}>
        Copy report
      </Button>
    </>
  );
}

function About() {
  const native = bridge().desktop?.desktop;
  const about = useQuery({
    queryKey: ['host', 'about'],
    queryFn: async () => (native ? opened(await native.about()) : null),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!about.data) return null;
  const { version, electron, node, platform, arch, userData } = about.data;
  return (
    <Panel title="About" actions={<CopyReport />}>
      <Facts
        items={{
          Version: version,
          Runs: `Electron ${electron ?? 'none'}, Node ${node}, ${platform} ${arch}`,
          Files: <Mono what="folder">{userData}</Mono>,
        }}
      />
    </Panel>
  );
}
