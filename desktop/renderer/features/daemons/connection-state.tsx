import type { Connection, ConnectionStatus } from '#shared/ipc/connections.ts';
import { CONNECTION_CONDITIONS } from '#shared/rules/connections.ts';
import { Shape, type Tone } from '../../ui/feedback/state.tsx';
import { Ago } from '../../ui/words/time.tsx';
import classes from './connection-state.module.css';

/** Tone of a connection's state. */
export const connectionTone = (status: ConnectionStatus): Tone =>
  CONNECTION_CONDITIONS[status].urgency ?? (status === 'connecting' ? 'busy' : 'ok');

/** A connection's state in one to three words. */
export const connectionWord = (status: ConnectionStatus): string => CONNECTION_CONDITIONS[status].word;

/** How a connection is doing: latency and version while well, in words with the age of its data when not. */
export function ConnectionState({ connection, isShort = false }: { connection: Connection; isShort?: boolean }) {
  const { status, latencyMs, version, lastSeenAt } = connection.state;
  const word = connectionWord(status);
  if (isShort) return <Shape tone={connectionTone(status)} label={word} />;
  return (
    <span className={classes.state} data-status={status}>
      <Shape tone={connectionTone(status)} label={word} />
      {status === 'online' ? (
        <span className="cut">
          {latencyMs === null ? word : `${latencyMs} ms`}
          {version === null ? '' : ` · ${version}`}
        </span>
      ) : (
        <span className="cut">
          {word}
          {lastSeenAt === null || status === 'connecting' ? null : (
            <>
              {', seen '}
              <Ago at={lastSeenAt} />
            </>
          )}
        </span>
      )}
    </span>
  );
}
