import * as alerts from './alerts.ts';
import * as apps from './apps.ts';
import * as audit from './audit.ts';
import * as auth from './auth.ts';
import * as backups from './backups.ts';
import * as callbacks from './callbacks.ts';
import * as cluster from './cluster.ts';
import * as config from './config.ts';
import * as declared from './declared.ts';
import * as delivery from './delivery.ts';
import * as events from './events.ts';
import * as history from './history.ts';
import * as ingress from './ingress.ts';
import * as jobs from './jobs.ts';
import * as liveHls from './live-hls.ts';
import * as livekit from './livekit.ts';
import * as logs from './logs.ts';
import * as mqtt from './mqtt.ts';
import type { Operation } from './operation.ts';
import * as plugins from './plugins.ts';
import * as presets from './presets.ts';
import * as quality from './quality.ts';
import * as recording from './recording.ts';
import * as rooms from './rooms.ts';
import * as s3 from './s3.ts';
import * as search from './search.ts';
import * as security from './security.ts';
import * as sessions from './sessions.ts';
import * as streams from './streams.ts';
import * as system from './system.ts';
import * as teams from './teams.ts';
import * as telemetry from './telemetry.ts';
import * as tokens from './tokens.ts';
import * as usage from './usage.ts';
import * as vods from './vods.ts';
import * as watch from './watch.ts';
import * as webhooks from './webhooks.ts';

/** Every operation of the API, by resource. A new contract file is added here and nowhere else. */
export const contract = {
  alerts,
  apps,
  audit,
  auth,
  backups,
  callbacks,
  cluster,
  config,
  declared,
  delivery,
  events,
  history,
  ingress,
  jobs,
  logs,
  mqtt,
  plugins,
  presets,
  quality,
  liveHls,
  livekit,
  recording,
  rooms,
  sessions,
  s3,
  search,
  security,
  streams,
  system,
  teams,
  telemetry,
  tokens,
  vods,
  watch,
  usage,
  webhooks,
};

/** All operations in one list. */
export const operations: readonly Operation[] = Object.values(contract).flatMap(
  (group) => Object.values(group) as Operation[],
);
