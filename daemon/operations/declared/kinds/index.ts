import type { Kind } from '../kind.ts';
import { addressRulesKind } from './address-rules.ts';
import { type AppsKindDeps, appsKind } from './apps.ts';
import { type BackupsKindDeps, backupsKind } from './backups.ts';
import { channelsKind } from './channels.ts';
import { clusterKind } from './cluster.ts';
import { livekitKind } from './livekit.ts';
import { rulesKind } from './rules.ts';
import { type SettingsKindDeps, settingsKind } from './settings.ts';
import { type TeamsKindDeps, teamsKind } from './teams.ts';
import { tokensKind } from './tokens.ts';

export type KindsDeps = SettingsKindDeps &
  Parameters<typeof clusterKind>[0] &
  Parameters<typeof livekitKind>[0] &
  Parameters<typeof addressRulesKind>[0] &
  Parameters<typeof channelsKind>[0] &
  Parameters<typeof tokensKind>[0] &
  TeamsKindDeps &
  AppsKindDeps &
  BackupsKindDeps;

/** Every kind of object that a folder can describe, each after those that it refers to. */
export const declaredKinds = (deps: KindsDeps): readonly Kind[] => [
  settingsKind(deps),
  addressRulesKind(deps),
  clusterKind(deps),
  livekitKind(deps),
  teamsKind(deps),
  appsKind(deps),
  backupsKind(deps),
  channelsKind(deps),
  rulesKind(deps),
  tokensKind(deps),
];
