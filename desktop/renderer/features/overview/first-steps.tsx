import { CloseButton } from '@mantine/core';
import { useQueries, useQuery } from '@tanstack/react-query';
import { isGlobal } from '#shared/access.ts';
import { getAuthConfig } from '#shared/contract/auth.ts';
import { listNodes } from '#shared/contract/cluster.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { getS3 } from '#shared/contract/s3.ts';
import type { listAppFigures } from '#shared/contract/system.ts';
import { readOptions, useRead } from '../../api/query.ts';
import { lackFor, useMe } from '../../api/rights.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { GoTo } from '../../daemon/links.tsx';
import { Shape } from '../../ui/feedback/state.tsx';
import { setPane, useLayout } from '../../ui/layout/layout.ts';
import { Panel } from '../../ui/layout/page.tsx';
import { recordingsOf } from '../../ui/words/format.ts';
import classes from './overview.module.css';

/** Apps that are looked at for a first bucket: those with the most in them. */
const LOOKED_AT = 5;

/** The way from a fresh daemon to one that is used, each step ticked by what is really true. */
export function FirstSteps({ figures }: { figures: ResultOf<typeof listAppFigures>['data'] | undefined }) {
  const { id } = useDaemon();
  const me = useMe();
  const pane = `first-steps:${id}`;
  const isHidden = useLayout((layout) => layout.panes[pane]) === false;
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
  if (!isAllowed || !auth.data || !figures || !nodes.data || buckets.some((query) => query.isPending)) return null;
  const first = names[0];
  const steps = [
    {
      isDone: !auth.data.data.setupRequired,
      title: 'Create your account',
      text: 'Open the setup link that the daemon printed when it started. Until then only tokens sign in.',
      link: null,
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
      isDone: figures.some((app) => app.wasLive),
      title: 'Publish a first stream',
      text: 'Make a join token, open the publish page that comes with it, and allow the camera.',
      link: first ? <GoTo to={`/apps/${first}/join`}>Make a join token</GoTo> : null,
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
    </Panel>
  );
}
