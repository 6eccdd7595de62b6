import type { Migration } from '../migrate.ts';
import { sql as core } from './001-core.ts';
import { sql as identity } from './005-identity.ts';
import { sql as cluster } from './006-cluster.ts';
import { sql as jobs } from './010-jobs.ts';
import { sql as indexes } from './011-indexes.ts';
import { sql as plugins } from './012-plugins.ts';
import { sql as joinCodes } from './013-join-codes.ts';
import { sql as emailProof } from './014-email-proof.ts';
import { sql as releasedPrefixes } from './015-released-prefixes.ts';
import { sql as addressRights } from './016-address-rights.ts';
import { sql as settings } from './017-settings.ts';
import { sql as browserSessions } from './018-browser-sessions.ts';
import { sql as tokenLimits } from './019-token-limits.ts';
import { sql as undoneAddress } from './020-undone-address.ts';
import { sql as alerts } from './021-alerts.ts';
import { sql as backups } from './022-backups.ts';
import { sql as livekitSettings } from './023-livekit-settings.ts';
import { sql as idempotencyKeys } from './024-idempotency-keys.ts';
import { sql as backupPassphrases } from './025-backup-passphrases.ts';
import { sql as toldChannels } from './026-told-channels.ts';
import { sql as owners } from './027-owners.ts';

/** History of `data/streamhub.db`. */
export const registryMigrations: readonly Migration[] = [
  { id: 1, name: 'core', sql: core },
  { id: 5, name: 'identity', sql: identity },
  { id: 6, name: 'cluster', sql: cluster },
  { id: 10, name: 'jobs', sql: jobs },
  { id: 11, name: 'indexes', sql: indexes },
  { id: 12, name: 'plugins', sql: plugins },
  { id: 13, name: 'join-codes', sql: joinCodes },
  { id: 14, name: 'email-proof', sql: emailProof },
  { id: 15, name: 'released-prefixes', sql: releasedPrefixes },
  { id: 16, name: 'address-rights', sql: addressRights },
  { id: 17, name: 'settings', sql: settings },
  { id: 18, name: 'browser-sessions', sql: browserSessions },
  { id: 19, name: 'token-limits', sql: tokenLimits },
  { id: 20, name: 'undone-address', sql: undoneAddress },
  { id: 21, name: 'alerts', sql: alerts },
  { id: 22, name: 'backups', sql: backups },
  { id: 23, name: 'livekit-settings', sql: livekitSettings },
  { id: 24, name: 'idempotency-keys', sql: idempotencyKeys },
  { id: 25, name: 'backup-passphrases', sql: backupPassphrases },
  { id: 26, name: 'told-channels', sql: toldChannels },
  { id: 27, name: 'owners', sql: owners },
];
