import { Button } from '@mantine/core';
import { useConnections } from '../daemon/connections.ts';
import { useMaybeDaemon } from '../daemon/daemon-context.tsx';
import { GoTo } from '../daemon/links.tsx';
import { connectionTone, connectionWord } from '../features/daemons/connection-state.tsx';
import { bridge } from '../host/host.ts';
import { useProblems } from '../problems/problems.ts';
import { Shape } from '../ui/feedback/state.tsx';
import { useNow } from '../ui/words/now.ts';
import { JobsTray } from './jobs-tray.tsx';
import classes from './status-bar.module.css';

/** Connections, the worst problem, jobs, and whether what is shown is live. */
export function StatusBar() {
  const list = useConnections((state) => state.list);
  const daemon = useMaybeDaemon();
  const online = list.filter((connection) => connection.state.status === 'online').length;
  const isLive = (daemon ? [daemon.connection] : list).some((connection) => connection.state.live);
  const problems = useProblems();
  const worst = problems[0];
  return (
    <footer className={classes.bar}>
      {list.length === 1 && list[0] ? <OneConnection /> : null}
      {list.length > 1 ? (
        <span className={classes.item} data-well={online === list.length || undefined}>
          <Shape tone={online === list.length ? 'ok' : 'warn'} />
          {online} of {list.length} connected
        </span>
      ) : null}
      {worst ? (
        <GoTo
          to={`${daemon === undefined ? `/d/${worst.connectionId}` : ''}${worst.action?.path ?? '/'}`}
          {...(worst.action?.search ? { search: worst.action.search } : {})}
          className={classes.item}
          data-problem
          title={problems.map((one) => one.text).join('\n')}
        >
          <Shape tone={worst.urgency} />
          <span className="cut">
            {daemon === undefined ? `${list.find((one) => one.id === worst.connectionId)?.name ?? ''}: ` : ''}
            {worst.text}
          </span>
          {problems.length > 1 ? <span className="dim">+{problems.length - 1}</span> : null}
        </GoTo>
      ) : null}
      <span className="grow" />
      <JobsTray />
      <span
        className={classes.item}
        data-well={isLive || undefined}
        title={
          isLive ? 'Changes appear as they happen.' : 'No live connection. Pages load their data when you open them.'
        }
      >
        <Shape tone={isLive ? 'ok' : 'muted'} />
        {isLive ? 'Updates live' : 'Updates paused'}
      </span>
    </footer>
  );
}

function OneConnection() {
  const connection = useConnections((state) => state.list[0]);
  const now = useNow();
  if (connection === undefined) return null;
  const { status, nextTryAt, error } = connection.state;
  const wait = nextTryAt === null ? undefined : Math.max(0, Math.round((Date.parse(nextTryAt) - now) / 1000));
  return (
    <span className={classes.item} data-well={status === 'online' || undefined} title={error?.message}>
      <Shape tone={connectionTone(status)} />
      <span>{connectionWord(status)}</span>
      {status === 'offline' ? (
        <>
          {wait === undefined ? null : <span className="dim">next try in {wait} s</span>}
          <Button size="xs" variant="subtle" h={20} onClick={() => void bridge().retry(connection.id)}>
            Try now
          </Button>
        </>
      ) : null}
    </span>
  );
}
