import type { Connection, ConnectionStatus } from '../ipc/connections.ts';
import type { Urgency } from './nodes.ts';

/** How a connection to a daemon is, as tray, rail and lists say it. */
export interface ConnectionCondition {
  /** How much it needs a person; null = not at all. */
  urgency: Urgency | null;
  /** One to three words. */
  word: string;
}

export const CONNECTION_CONDITIONS: Readonly<Record<ConnectionStatus, ConnectionCondition>> = {
  connecting: { urgency: null, word: 'Connecting' },
  online: { urgency: null, word: 'Connected' },
  offline: { urgency: 'danger', word: 'Offline' },
  'signed-out': { urgency: 'warn', word: 'Signed out' },
  untrusted: { urgency: 'danger', word: 'Certificate not trusted' },
  locked: { urgency: 'warn', word: 'Keychain locked' },
  unusable: { urgency: 'danger', word: 'Not usable' },
};

/** Why a connection needs a person, in one sentence; meant for those with an urgency. */
export function connectionSentence({ status, error }: Connection['state']): string {
  switch (status) {
    case 'offline':
      return `The daemon isn’t responding${error ? `: ${error.message}` : ''}`;
    case 'untrusted':
      return 'Its certificate is not the one that was trusted';
    case 'unusable':
      return error?.message ?? 'The server at this address is not a daemon that this app can use';
    default:
      return error?.message ?? CONNECTION_CONDITIONS[status].word;
  }
}
