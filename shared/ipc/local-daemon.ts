import { type Static, Type } from 'typebox';
import { Instant, nullable, object, oneOf } from '../schema/common.ts';
import { call, push } from './channel.ts';
import { ConnectionId } from './connections.ts';
import { IpcError } from './outcome.ts';

/** The daemon that this app runs on this machine, with a separate DATA_DIR. */
export const LocalDaemon = object({
  /** `unavailable`: this build of the app carries no daemon or no Node to run it. */
  status: oneOf(['unavailable', 'stopped', 'starting', 'running', 'stopping', 'failed'] as const),
  url: nullable(Type.String()),
  pid: nullable(Type.Integer()),
  version: nullable(Type.String()),
  dataDir: Type.String(),
  /** It was running already when the app looked for it. */
  adopted: Type.Boolean(),
  since: Instant,
  error: nullable(IpcError),
  connectionId: nullable(ConnectionId),
  /** What it said of its own trouble, newest last; its log is in its own pages. */
  output: Type.Array(Type.String()),
});
export type LocalDaemon = Static<typeof LocalDaemon>;

export const localDaemon = {
  calls: {
    state: call('The current state of the local daemon.', object({}), LocalDaemon),
    start: call(
      'Starts it, or adopts the running one, and connects to it. Its first token is stored in the keychain; `keep: session` if there is none.',
      object({ keep: oneOf(['keychain', 'session'] as const) }),
      LocalDaemon,
    ),
    stop: call(
      'Stops it gracefully and waits for it to end. Its data and its connection stay.',
      object({}),
      LocalDaemon,
    ),
  },
  pushes: {
    changed: push('Its state changed.', LocalDaemon),
  },
};
