import { Button, CloseButton } from '@mantine/core';
import { useQueries, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { isGlobal } from '#shared/access.ts';
import { getAuthConfig } from '#shared/contract/auth.ts';
import { listNodes } from '#shared/contract/cluster.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { createJoinToken } from '#shared/contract/rooms.ts';
import { getS3 } from '#shared/contract/s3.ts';
import { getSettings, getStats, type listAppFigures } from '#shared/contract/system.ts';
import { listUsers } from '#shared/contract/teams.ts';
import { readOptions, useChange, useRead } from '../../api/query.ts';
import { lackFor, useMe } from '../../api/rights.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { GoTo } from '../../daemon/links.tsx';
import { Problem } from '../../ui/feedback/problem.tsx';
import { Shape } from '../../ui/feedback/state.tsx';
import { setPane, useLayout } from '../../ui/layout/layout.ts';
import { Panel } from '../../ui/layout/page.tsx';
import { recordingsOf } from '../../ui/words/format.ts';
import { RunHere } from '../livekit/run-here.tsx';
import { ConnectLiveKit } from '../settings/connect-livekit.tsx';
import classes from './overview.module.css';

/** Apps that are looked at for a first bucket: those with the most in them. */
const LOOKED_AT = 5;

/** The steps from a new daemon to one in use; each is ticked when the daemon confirms it. */
export function FirstSteps({ figures }: { figures: ResultOf<typeof listAppFigures>['data'] | undefined }) {
  const { id } = useDaemon();
  const me = useMe();
  const pane = `first-steps:${id}`;
  const isHidden = useLayout((layout) => layout.panes[pane]) === false;
  const [isConnecting, setConnecting] = useState(false);
  const isAllowed = me !== undefined && isGlobal(me) && !isHidden;
  const auth = useQuery({ ...readOptions(id, getAuthConfig), enabled: isAllowed, staleTime: 60_000 });
  const names = isAllowed
    ? (figures ?? [])
        .toSorted((a, b) => recordingsOf(b) - recordingsOf(a) || Number(b.wasLive) - Number(a.wasLive))
        .slice(0, LOOKED_AT)
        .map((app) => app.name)
    : [];
  const buckets = useQueries({
    queries: names.map((name) => ({ ...readOptions(id, getS3, { params: { name } }), staleTime: 60_000 })),
  });
  const nodes = useRead(listNodes, undefined, { enabled: isAllowed && lackFor(listNodes, me) === undefined });
  const stats = useRead(getStats, undefined, { enabled: isAllowed });
  const settings = useRead(getSettings, undefined, { enabled: isAllowed, every: 10_000 });
  const users = useRead(listUsers, { query: { limit: 1 } }, { enabled: isAllowed, staleTime: 60_000 });
  if (!isAllowed || !auth.data || !figures || !nodes.data || !stats.data || !settings.data || !users.data) return null;
  if (buckets.some((query) => query.isPending)) return null;
  const first = names[0];
  const steps = [
    {
      isDone: stats.data.livekitReachable,
      title: 'Connect LiveKit',
      text: 'It carries all media. Run it on this machine, or connect one that runs elsewhere with its address and keys.',
      link: (
        <>
          <RunHere />
          <Button size="xs" onClick={() => setConnecting(true)}>
            Connect LiveKit
          </Button>
        </>
      ),
    },
    {
      isDone: figures.some((app) => app.wasLive),
      title: 'Publish a first stream',
      text: 'Opens a page for your camera and microphone. Press Go live there.',
      link: first ? <OpenPage app={first} page="publish" isDisabled={!stats.data.livekitReachable} /> : null,
    },
    {
      isDone: settings.data.runtime.wasWatched,
      title: 'Watch it',
      text: 'Opens the page that viewers see.',
      link: first ? <OpenPage app={first} page="watch" isDisabled={!stats.data.livekitReachable} /> : null,
    },
    {
      isDone: buckets.some((query) => query.data?.configured && query.data.bucket !== ''),
      title: 'Connect a storage bucket',
      text: 'Recordings then go to S3; without one they stay on this machine.',
      link: first ? (
        <GoTo to={`/apps/${first}/storage`}>Set storage of {first}</GoTo>
      ) : (
        <GoTo to="/apps">Create an app</GoTo>
      ),
    },
    {
      isDone: figures.some((app) => recordingsOf(app) > 0),
      title: 'Record a stream',
      text: 'Start a recording while someone publishes.',
      link: first ? <GoTo to={`/apps/${first}/streams`}>Show streams of {first}</GoTo> : null,
    },
    {
      isDone: !auth.data.data.setupRequired,
      title: 'Create your account',
      text: 'Open the setup link that the daemon printed when it started. Until then only tokens sign in.',
      link: null,
    },
    {
      isDone: users.data.total > 1,
      title: 'Invite a colleague',
      text: 'Each person signs in with their own account.',
      link: <GoTo to="/access">Invite someone</GoTo>,
    },
    {
      isDone: nodes.data.some((node) => node.id !== 'origin'),
      title: 'Add a second server',
      text: 'For more viewers than this machine can serve. Run one command on the new machine.',
      link: <GoTo to="/cluster">Add a node</GoTo>,
    },
  ];
  if (steps.every((step) => step.isDone)) return null;
  return (
    <Panel
      title="First steps"
      note={`${steps.filter((step) => step.isDone).length} of ${steps.length} done`}
      actions={<CloseButton size="sm" aria-label="Hide the first steps" onClick={() => setPane(pane, false)} />}
    >
      <ol className={classes.steps}>
        {steps.map(({ isDone, title, text, link }) => (
          <li key={title} data-done={isDone || undefined}>
            <Shape tone={isDone ? 'ok' : 'muted'} label={isDone ? 'done' : 'open'} />
            <div className="grow">
              <div>{title}</div>
              {isDone ? null : <div className="dim">{text}</div>}
            </div>
            {isDone ? null : link}
          </li>
        ))}
      </ol>
      <ConnectLiveKit isOpen={isConnecting} onClose={() => setConnecting(false)} />
    </Panel>
  );
}

/** Opens a page for publishers or viewers of the app's own room, with a token made for it. */
function OpenPage({ app, page, isDisabled }: { app: string; page: 'publish' | 'watch'; isDisabled: boolean }) {
  const create = useChange(createJoinToken);
  const open = async (): Promise<void> => {
    const token = await create.mutateAsync({ params: { app }, body: { canPublish: page === 'publish' } });
    window.open(token.publishUrl ?? token.playUrl, '_blank', 'noopener');
  };
  return (
    <span>
      <Button
        size="xs"
        disabled={isDisabled}
        title={isDisabled ? 'Connect LiveKit first.' : undefined}
        loading={create.isPending}
        // what went wrong is shown below
        onClick={() => void open().catch(() => {})}
      >
        {page === 'publish' ? 'Open publish page' : 'Open watch page'}
      </Button>
      {create.error ? <Problem error={create.error} title="The page could not be opened." /> : null}
    </span>
  );
}
