import * as alerts from './alerts.ts';
import * as apps from './apps.ts';
import * as audit from './audit.ts';
import * as auth from './auth.ts';
import * as backups from './backups.ts';
import * as callbacks from './callbacks.ts';
import * as check from './check.ts';
import * as cluster from './cluster.ts';
import * as common from './common.ts';
import * as config from './config.ts';
import * as connections from './connections.ts';
import * as delivery from './delivery.ts';
import * as eventPayloads from './event-payloads.ts';
import * as events from './events.ts';
import * as files from './files.ts';
import * as gpu from './gpu.ts';
import * as history from './history.ts';
import * as ingress from './ingress.ts';
import * as jobs from './jobs.ts';
import * as livekit from './livekit.ts';
import * as logs from './logs.ts';
import * as mqtt from './mqtt.ts';
import * as plugins from './plugins.ts';
import * as presets from './presets.ts';
import * as quality from './quality.ts';
import * as recording from './recording.ts';
import * as rooms from './rooms.ts';
import * as s3 from './s3.ts';
import * as search from './search.ts';
import * as security from './security.ts';
import * as sessions from './sessions.ts';
import * as settings from './settings.ts';
import * as stats from './stats.ts';
import * as streams from './streams.ts';
import * as teams from './teams.ts';
import * as telemetry from './telemetry.ts';
import * as tokens from './tokens.ts';
import * as usage from './usage.ts';
import * as vods from './vods.ts';
import * as watch from './watch.ts';
import * as webhooks from './webhooks.ts';

/**
 * Every exported schema by its name. The OpenAPI document names a schema by its `title`, or else by its export; a new
 * schema file is added here and nowhere else.
 */
export const schemas: readonly (readonly [name: string, schema: object])[] = [
  alerts,
  apps,
  audit,
  auth,
  backups,
  callbacks,
  check,
  cluster,
  common,
  config,
  connections,
  delivery,
  eventPayloads,
  events,
  files,
  gpu,
  history,
  ingress,
  jobs,
  livekit,
  logs,
  mqtt,
  plugins,
  presets,
  quality,
  recording,
  rooms,
  s3,
  search,
  security,
  sessions,
  settings,
  stats,
  streams,
  teams,
  telemetry,
  tokens,
  usage,
  vods,
  watch,
  webhooks,
].flatMap((module) =>
  Object.entries(module as Record<string, unknown>).filter(
    (entry): entry is [string, object] => typeof entry[1] === 'object' && entry[1] !== null && !Array.isArray(entry[1]),
  ),
);
