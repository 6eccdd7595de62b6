import { type Static, Type } from 'typebox';
import { nullable, object, oneOf } from '../schema/common.ts';
import { call, push } from './channel.ts';
import { ConnectionId } from './connections.ts';

/**
 * - `ready`: secrets can be read and kept
 * - `locked`: there is one, but it is locked
 * - `none`: this machine offers no keychain; credentials can be kept for the session only
 */
export const KeychainState = object({
  state: oneOf(['ready', 'locked', 'none'] as const),
  /** What it is, e.g. `Secret Service`, `macOS Keychain`. */
  service: Type.String(),
  /** Module that speaks to it. */
  module: nullable(oneOf(['keytar', '@napi-rs/keyring'] as const)),
  message: Type.String(),
  hint: nullable(Type.String()),
  /** The app can ask the system to unlock it. */
  canUnlock: Type.Boolean(),
  /** Connections whose credential is in memory only. */
  sessionOnly: Type.Array(ConnectionId),
});
export type KeychainState = Static<typeof KeychainState>;

export const keychain = {
  calls: {
    state: call('The current state of the keychain.', object({}), KeychainState),
    unlock: call('Asks the system to unlock the keychain, which may show a prompt.', object({}), KeychainState),
    keep: call('Moves a credential from memory to the keychain.', object({ id: ConnectionId }), KeychainState),
  },
  pushes: {
    changed: push('The keychain was locked, unlocked, found or lost.', KeychainState),
  },
};
