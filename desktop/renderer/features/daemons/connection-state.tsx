import type { Connection, ConnectionStatus } from '#shared/ipc/connections.ts';
import { Shape, type Tone } from '../../ui/feedback/state.tsx';
import { Ago } from '../../ui/words/time.tsx';
import classes from './connection-state.module.css';

export const CONNECTION_TONES: Record<ConnectionStatus, Tone> = {
  connecting: 'busy',
  online: 'ok',
  offline: 'danger',
  'signed-out': 'warn',
  untrusted: 'danger',
  locked: 'warn',
  unusable: 'danger',
};

export const CONNECTION_WORDS: Record<ConnectionStatus, string> = {
  connecting: 'Connecting',
  online: 'Connected',
  offline: 'Not reachable',
  'signed-out': 'Signed out',
  untrusted: 'Certificate not trusted',
  locked: 'Keychain locked',
  unusable: 'Not usable',
};

/** How a connection is doing: latency and version while well, in words with the age of its data when not. */
export function ConnectionState({ connection, isShort = false }: { connection: Connection; isShort?: boolean }) {
  const { status, latencyMs, version, lastSeenAt } = connection.state;
  const word = CONNECTION_WORDS[status];
  if (isShort) return <Shape tone={CONNECTION_TONES[status]} label={word} />;
  return (
    <span className={classes.state} data-status={status}>
      <Shape tone={CONNECTION_TONES[status]} label={word} />
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
