import type { Migration } from '../migrate.ts';
import { sql as core } from './001-core.ts';
import { sql as configChanges } from './002-config-changes.ts';
import { sql as livekit } from './003-livekit.ts';
import { sql as indexes } from './004-indexes.ts';
import { sql as figures } from './005-figures.ts';
import { sql as recordings } from './006-recordings.ts';
import { sql as liveHls } from './007-live-hls.ts';
import { sql as ingests } from './008-ingests.ts';
import { sql as transcodings } from './009-transcodings.ts';
import { sql as mqtt } from './010-mqtt.ts';
import { sql as moves } from './011-moves.ts';
import { sql as ladders } from './012-ladders.ts';
import { sql as sessions } from './013-sessions.ts';
import { sql as usage } from './014-usage.ts';
import { sql as telemetry } from './015-telemetry.ts';
import { sql as placeOptions } from './016-place-options.ts';

/** History of `apps/<name>/app.db`. */
export const appMigrations: readonly Migration[] = [
  { id: 1, name: 'core', sql: core },
  { id: 2, name: 'config-changes', sql: configChanges },
  { id: 3, name: 'livekit', sql: livekit },
  { id: 4, name: 'indexes', sql: indexes },
  { id: 5, name: 'figures', sql: figures },
  { id: 6, name: 'recordings', sql: recordings },
  { id: 7, name: 'live-hls', sql: liveHls },
  { id: 8, name: 'ingests', sql: ingests },
  { id: 9, name: 'transcodings', sql: transcodings },
  { id: 10, name: 'mqtt', sql: mqtt },
  { id: 11, name: 'moves', sql: moves },
  { id: 12, name: 'ladders', sql: ladders },
  { id: 13, name: 'sessions', sql: sessions },
  { id: 14, name: 'usage', sql: usage },
  { id: 15, name: 'telemetry', sql: telemetry },
  { id: 16, name: 'place-options', sql: placeOptions },
];
