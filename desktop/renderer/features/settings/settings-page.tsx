import { IconChevronRight } from '@tabler/icons-react';
import { useState } from 'react';
import type { ResultOf } from '#shared/contract/operation.ts';
import { getSettings } from '#shared/contract/system.ts';
import { SETTING_GROUPS } from '#shared/schema/settings.ts';
import { useRead } from '../../api/query.ts';
import { GoTo, useSearchState } from '../../daemon/links.tsx';
import { CopyBox, Mono } from '../../ui/data/copy.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Notice } from '../../ui/feedback/problem.tsx';
import { State, Tag } from '../../ui/feedback/state.tsx';
import { SearchBox } from '../../ui/form/search-box.tsx';
import { Facts, Page, Panel, Toolbar } from '../../ui/layout/page.tsx';
import { bytes, duration } from '../../ui/words/format.ts';
import { ConnectLiveKit } from './connect-livekit.tsx';
import classes from './settings.module.css';
import { type Setting, SettingsForm } from './settings-form.tsx';

type Settings = ResultOf<typeof getSettings>['data'];

const ORIGINS: Record<Setting['origin'], string> = {
  default: 'default',
  stored: 'set here',
  managed: 'LiveKit on this machine',
  file: 'env file',
  environment: 'environment',
  flag: 'command line',
};
const TITLES: Record<Setting['group'], string> = {
  livekit: 'LiveKit',
  addresses: 'Public addresses',
  mail: 'Mail',
  redis: 'Redis',
  cluster: 'Cluster',
  signIn: 'Sign-in',
  network: 'Address rules',
  metrics: 'Metrics',
  retention: 'Logs and retention',
  transcoding: 'Transcoding',
  plugins: 'Plugins',
  start: 'Start',
};

/** The daemon's settings: what can be changed here, and the commands for what can only be set where it is started. */
export function SettingsPage() {
  const settings = useRead(getSettings);
  const [search, setSearch] = useSearchState();
  return (
    <Page title="Settings" actions={<GoTo to="/check">Check installation</GoTo>}>
      <QueryView query={settings} what="the settings">
        {(data) => (
          <div className="stack" style={{ gap: 16 }}>
            <Restart settings={data} />
            <Runtime settings={data} />
            <Toolbar>
              <SearchBox
                label="Find a setting or variable"
                value={search['q'] ?? ''}
                onChange={(q) => setSearch({ q })}
                width={300}
              />
            </Toolbar>
            <Groups settings={data} query={(search['q'] ?? '').toLowerCase()} />
          </div>
        )}
      </QueryView>
      <ConnectLiveKit isOpen={search['connect'] === 'livekit'} onClose={() => setSearch({ connect: undefined })} />
    </Page>
  );
}

function Restart({ settings: { settings, installation } }: { settings: Settings }) {
  const waiting = settings.filter(({ pending }) => pending);
  if (waiting.length === 0) return null;
  return (
    <Notice tone="warn" title="Restart the daemon to apply all settings">
      <p>{waiting.map(({ label }) => label).join(', ')}</p>
      <CopyBox text={installation.restartCommand} what="restart command" />
    </Notice>
  );
}

function Runtime({ settings: { versions, runtime, storage, ports, core } }: { settings: Settings }) {
  return (
    <div className={classes.runtime}>
      <Panel title="This daemon">
        <Facts
          items={{
            Version: `${versions.core}, Node ${versions.node}`,
            'Running for': duration(runtime.uptimeSeconds),
            Process: `${runtime.pid} on ${runtime.platform}`,
            Memory: bytes(runtime.memoryRssBytes),
            Database: bytes(storage.dbSizeBytes),
          }}
        />
      </Panel>
      <Panel title="Paths and ports">
        <Facts
          items={{
            'Listens on': <Mono what="address">{`${core.host}:${core.port}`}</Mono>,
            Data: <Mono what="data directory">{storage.dataDir}</Mono>,
            'Env file': runtime.envFile ? <Mono what="env file">{runtime.envFile}</Mono> : undefined,
            Unit: runtime.unit ? <Mono what="unit">{runtime.unit}</Mono> : undefined,
            'Media ports': (
              <code>{`${ports.livekitSignaling}, ${ports.livekitTcp} tcp · ${ports.livekitUdp} udp · ${ports.rtmp} rtmp · ${ports.whip} whip`}</code>
            ),
          }}
        />
      </Panel>
    </div>
  );
}

function Groups({ settings, query }: { settings: Settings; query: string }) {
  const groups = SETTING_GROUPS.flatMap((group) => {
    const own = settings.settings.filter((one) => one.group === group);
    const isFound = (one: Setting): boolean =>
      `${one.label} ${one.name} ${TITLES[group]}`.toLowerCase().includes(query);
    return own.some(isFound) ? [{ group, own, isFound }] : [];
  });
  if (groups.length === 0) return <Empty title={`No setting matches “${query}”`} />;
  return groups.map(({ group, own, isFound }) => {
    const editable = own.filter(({ change }) => change !== 'start');
    const fixed = own.filter((one) => one.change === 'start' && isFound(one));
    return (
      <Panel key={group} title={TITLES[group]}>
        {editable.some(isFound) ? (
          <SettingsForm
            // another set of fields is another form
            key={editable.map(({ name }) => name).join()}
            settings={editable}
            etag={settings.etag}
            action="Save settings"
            keep={`settings:${group}`}
            isFound={isFound}
          />
        ) : null}
        {fixed.length > 0 ? (
          <ul className={classes.list} aria-label={`${TITLES[group]}: set where the daemon is started`}>
            {fixed.map((one) => (
              <Fixed key={one.name} setting={one} />
            ))}
          </ul>
        ) : null}
      </Panel>
    );
  });
}

/** A setting that only the start knows, with the commands that set it there. */
function Fixed({ setting: { label, name, value, secret, isSet, origin, howToChange } }: { setting: Setting }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <li>
      <button type="button" className={classes.row} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <IconChevronRight size={14} aria-hidden />
        <span className={classes.name}>
          {label}
          <code>{name}</code>
        </span>
        <span className={classes.value}>
          {secret || typeof value === 'boolean' ? (
            <State tone={(secret ? isSet : value) ? 'ok' : 'muted'}>
              {secret ? (isSet ? 'set' : 'not set') : value ? 'on' : 'off'}
            </State>
          ) : value === '' || value === null ? (
            <span className="dim">empty</span>
          ) : (
            <code>{String(value)}</code>
          )}
        </span>
        <Tag tone={origin === 'default' ? 'muted' : 'info'}>{ORIGINS[origin]}</Tag>
      </button>
      {isOpen ? (
        <div className={classes.how}>
          <CopyBox text={howToChange} what="commands" />
        </div>
      ) : null}
    </li>
  );
}
