import { access } from '../features/access/feature.ts';
import { account } from '../features/account/feature.ts';
import { alerts } from '../features/alerts/feature.ts';
import { app } from '../features/app/feature.ts';
import { apps } from '../features/apps/feature.ts';
import { audit } from '../features/audit/feature.ts';
import { backups } from '../features/backups/feature.ts';
import { callbacks } from '../features/callbacks/feature.ts';
import { check } from '../features/check/feature.ts';
import { cluster } from '../features/cluster/feature.ts';
import { compare } from '../features/compare/feature.ts';
import { config } from '../features/config/feature.ts';
import { configuration } from '../features/configuration/feature.ts';
import { daemons } from '../features/daemons/feature.ts';
import { delivery } from '../features/delivery/feature.ts';
import type { Feature, Screen, Section } from '../features/feature.ts';
import { gpu } from '../features/gpu/feature.ts';
import { ingests } from '../features/ingests/feature.ts';
import { jobs } from '../features/jobs/feature.ts';
import { livekit } from '../features/livekit/feature.ts';
import { logs } from '../features/logs/feature.ts';
import { overview } from '../features/overview/feature.ts';
import { plugins } from '../features/plugins/feature.ts';
import { preferences } from '../features/preferences/feature.ts';
import { presets } from '../features/presets/feature.ts';
import { rooms } from '../features/rooms/feature.ts';
import { security } from '../features/security/feature.ts';
import { sessions } from '../features/sessions/feature.ts';
import { settings } from '../features/settings/feature.ts';
import { signIn } from '../features/sign-in/feature.ts';
import { storage } from '../features/storage/feature.ts';
import { streams } from '../features/streams/feature.ts';
import { usage } from '../features/usage/feature.ts';

/** All features; those with a section in the order of the sidebar. A new page is a folder and a line here. */
export const features: readonly Feature[] = [
  overview,
  alerts,
  apps,
  rooms,
  sessions,
  cluster,
  logs,
  storage,
  usage,
  jobs,
  compare,
  plugins,
  livekit,
  backups,
  configuration,
  gpu,
  settings,
  access,
  security,
  audit,
  // without a section
  app,
  streams,
  ingests,
  config,
  delivery,
  presets,
  callbacks,
  account,
  check,
  signIn,
  daemons,
  preferences,
];

export const sections: readonly Section[] = features.flatMap(({ section }) => section ?? []);
export const daemonPages: readonly Screen[] = features.flatMap(({ pages }) => pages ?? []);
export const desktopPages: readonly Screen[] = features.flatMap((feature) => feature.desktopPages ?? []);
export const linkPages: readonly Screen[] = features.flatMap((feature) => feature.linkPages ?? []);
