import { ActionIcon, Menu } from '@mantine/core';
import { IconApps, IconDots } from '@tabler/icons-react';
import { useParams } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { DaemonError } from '#shared/client/errors.ts';
import { deleteApp, getApp } from '#shared/contract/apps.ts';
import { getRawConfig, patchApp, reloadConfig } from '#shared/contract/config.ts';
import { createIngress } from '#shared/contract/ingress.ts';
import { getAppStats } from '#shared/contract/streams.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { GoTo, useGo } from '../../daemon/links.tsx';
import { Mono } from '../../ui/data/copy.tsx';
import { QueryView, SkeletonRows } from '../../ui/data/query-view.tsx';
import { ask } from '../../ui/feedback/confirm.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Notice } from '../../ui/feedback/problem.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { Page } from '../../ui/layout/page.tsx';
import { TabLinks } from '../../ui/layout/tab-links.tsx';
import { useCommands } from '../../ui/palette/use-commands.ts';
import { count, plural } from '../../ui/words/format.ts';
import { openDeleteApp } from '../apps/delete-app.tsx';
import { openRenameApp } from '../apps/rename-app.tsx';
import { useDraft } from '../config/drafts.ts';
import { useWriteProblem } from '../config/read-only.tsx';
import classes from './app-page.module.css';
import { appTabs } from './app-tabs.ts';

const tabs = appTabs.map((tab) => ({ ...tab, Body: lazy(tab.load) }));

/** The tab of the config says what is wrong with the file. */
const PROBLEM_TITLES = {
  CONFIG_INVALID: 'The config file is not active',
  FILES_UNUSABLE: 'Files of this app need attention',
  ROOM_PREFIX_OVERLAPS: 'The room prefix of this app needs attention',
  MQTT_AWAY: 'No connection to the MQTT broker',
  LATENCY_HIGH: 'Viewers are far behind',
  STORAGE_PROVIDER_MISSING: 'Nothing is recorded',
};

/** One app: its live streams, and all its settings. */
export function AppPage() {
  const { app: name = '', tab: tabId } = useParams({ strict: false }) as { app?: string; tab?: string };
  const app = useRead(getApp, { params: { name } });
  const tab = tabId === undefined ? tabs[0] : tabs.find((one) => one.id === tabId);
  const go = useGo();
  const lackIngress = useLack(createIngress);
  useCommands('app', [
    ...tabs.map((one) => ({
      id: `app-tab-${one.id}`,
      group: name,
      label: `${one.label} of ${name}`,
      run: () => go(`/apps/${name}/${one.id}`),
    })),
    ...(lackIngress === undefined
      ? [
          {
            id: createIngress.id,
            group: 'Actions',
            label: `Create an ingest in ${name}`,
            keywords: 'rtmp whip obs encoder stream key',
            run: () => go(`/apps/${name}/ingests`, { create: 'yes' }),
          },
        ]
      : []),
  ]);
  if (app.error instanceof DaemonError && app.error.status === 404) {
    return (
      <Page title={name} crumbs={[{ label: 'Apps', to: '/apps' }]}>
        <Empty
          title={`No app is named ${name}`}
          icon={<IconApps size={32} stroke={1.3} />}
          action={<GoTo to="/apps">Show all apps</GoTo>}
        >
          It was deleted, or belongs to another team.
        </Empty>
      </Page>
    );
  }
  return (
    <Page
      title={name}
      crumbs={[{ label: 'Apps', to: '/apps' }]}
      fill={tab?.fills === true}
      subtitle={
        app.data ? (
          <AppFacts name={name} displayName={app.data.displayName} prefix={app.data.livekitRoomPrefix} />
        ) : undefined
      }
      actions={app.data ? <AppMenu app={app.data} /> : undefined}
    >
      <TabLinks
        label={`Parts of ${name}`}
        current={tab?.id}
        tabs={tabs.map(({ id, label }) => ({
          id,
          label,
          to: `/apps/${name}/${id}`,
          mark: id === 'config' ? <DraftMark app={name} /> : null,
        }))}
      />
      {app.data?.problems
        ?.filter(({ code }) => code !== 'CONFIG_INVALID')
        .map(({ code, message }) => (
          <Notice key={message} tone="danger" title={PROBLEM_TITLES[code]} role="alert">
            <p>{message}</p>
          </Notice>
        ))}
      <QueryView query={app} what={`the app ${name}`} fill={tab?.fills === true}>
        {() =>
          tab === undefined ? (
            <Empty title="No such part of an app" />
          ) : (
            <Suspense fallback={<SkeletonRows />}>
              <tab.Body key={name} app={name} />
            </Suspense>
          )
        }
      </QueryView>
    </Page>
  );
}

function DraftMark({ app }: { app: string }) {
  return useDraft(app) ? (
    <span className={classes.draft} role="img" aria-label="has a draft" title="It has a draft that is not saved." />
  ) : null;
}

function AppFacts({ name, displayName, prefix }: { name: string; displayName: string; prefix: string }) {
  const stats = useRead(
    getAppStats,
    { params: { app: name } },
    { staleTime: 15_000, enabled: useLack(getAppStats) === undefined },
  );
  const raw = useRead(getRawConfig, { params: { name } }, { enabled: useLack(getRawConfig) === undefined });
  const live = stats.data?.live;
  return (
    <span className={classes.facts}>
      {displayName === name ? null : (
        <span className={classes.displayName} title={displayName}>
          {displayName}
        </span>
      )}
      <span className="row" style={{ gap: 4 }}>
        <span>rooms</span> <Mono what="room prefix">{prefix}</Mono>
      </span>
      {live ? (
        live.activeStreams > 0 ? (
          <State tone="ok">
            {count(live.activeStreams)} live, {plural(live.totalViewers, 'viewer')}
          </State>
        ) : (
          <State tone="muted">nothing live</State>
        )
      ) : null}
      {raw.data?.problem ? (
        <State tone="danger" title={raw.data.problem.message}>
          last good config active
        </State>
      ) : null}
    </span>
  );
}

function AppMenu({
  app,
}: {
  app: {
    id: number;
    name: string;
    displayName: string;
    livekitRoomPrefix: string;
    createdAt: string;
    updatedAt: string;
    settingsJson: string | null;
  };
}) {
  const lackWrite = useLack(patchApp);
  const lackDelete = useLack(deleteApp);
  const writeProblem = useWriteProblem(app.name);
  const reload = useChange(reloadConfig, { refreshes: [getRawConfig, getApp] });
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon variant="default" aria-label={`Actions for ${app.name}`}>
          <IconDots size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          disabled={lackWrite !== undefined || writeProblem !== undefined}
          title={writeProblem?.message}
          onClick={() => openRenameApp(app)}
        >
          Rename…
        </Menu.Item>
        <Menu.Item
          disabled={lackWrite !== undefined}
          onClick={() =>
            ask({
              title: `Reload the config of ${app.name}`,
              body: (
                <p>Reads config.yaml from disk again. If the file isn’t valid, the last valid config stays active.</p>
              ),
              action: 'Reload config',
              run: () => reload.mutateAsync({ params: { name: app.name } }),
            })
          }
        >
          Reload config from disk…
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item color="danger" disabled={lackDelete !== undefined} onClick={() => openDeleteApp(app.name)}>
          Delete app…
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
