import { IconChevronRight } from '@tabler/icons-react';
import { useState } from 'react';
import type { ResultOf } from '#shared/contract/operation.ts';
import { getSettings } from '#shared/contract/system.ts';
import { useRead } from '../../api/query.ts';
import { useSearchState } from '../../daemon/links.tsx';
import { CopyBox, Mono } from '../../ui/data/copy.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { State, Tag } from '../../ui/feedback/state.tsx';
import { SearchBox } from '../../ui/form/search-box.tsx';
import { Facts, Page, Panel, Toolbar } from '../../ui/layout/page.tsx';
import { bytes, duration } from '../../ui/words/format.ts';
import { valueOfSetting } from './setting-values.ts';
import classes from './settings.module.css';

type Settings = ResultOf<typeof getSettings>['data'];
type Guidance = Settings['guidance'][string][number];

const ORIGINS: Record<Guidance['origin'], string> = {
  default: 'default',
  stored: 'set here',
  file: 'env file',
  environment: 'environment',
  flag: 'command line',
};
const TITLES: Record<string, string> = {
  core: 'Core',
  auth: 'Sign-in',
  livekit: 'LiveKit',
  cluster: 'Cluster',
  metrics: 'Metrics',
  logs: 'Logs',
  network: 'Network',
  transcoding: 'Transcoding',
  storage: 'Storage',
  mail: 'Mail',
};

/** What the daemon runs with, where each value comes from, and the commands that change it. */
export function SettingsPage() {
  const settings = useRead(getSettings);
  const [search, setSearch] = useSearchState();
  return (
    <Page title="Settings" subtitle="Edit on the server; restart to apply.">
      <QueryView query={settings} what="the settings">
        {(data) => (
          <div className="stack" style={{ gap: 16 }}>
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
    </Page>
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
  const groups = Object.entries(settings.guidance).flatMap(([group, list]) => {
    const shown = list.filter((one) => `${one.setting} ${one.envVar} ${group}`.toLowerCase().includes(query));
    return shown.length === 0 ? [] : [[group, shown] as const];
  });
  if (groups.length === 0) return <Empty title={`No setting matches “${query}”`} />;
  return groups.map(([group, list]) => (
    <Panel key={group} title={TITLES[group] ?? group} flush>
      <ul className={classes.list}>
        {list.map((one) => (
          <Setting key={one.envVar} guidance={one} value={valueOfSetting(settings, one.envVar)} />
        ))}
      </ul>
    </Panel>
  ));
}

function Setting({ guidance, value }: { guidance: Guidance; value: string | boolean | undefined }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <li>
      <button type="button" className={classes.row} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <IconChevronRight size={14} aria-hidden />
        <span className={classes.name}>
          {guidance.setting}
          <code>{guidance.envVar}</code>
        </span>
        <span className={classes.value}>
          {value === undefined ? null : typeof value === 'boolean' ? (
            <State tone={value ? 'ok' : 'muted'}>{value ? 'set' : 'not set'}</State>
          ) : value === '' ? (
            <span className="dim">empty</span>
          ) : (
            <code>{value}</code>
          )}
        </span>
        <Tag tone={guidance.origin === 'default' ? 'muted' : 'info'}>{ORIGINS[guidance.origin]}</Tag>
      </button>
      {isOpen ? (
        <div className={classes.how}>
          <CopyBox text={guidance.howToChange} what="commands" />
        </div>
      ) : null}
    </li>
  );
}
