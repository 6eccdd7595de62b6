import { type Permission, type Role, roleAllows } from '#shared/permissions.ts';
import type { EventTopic } from '#shared/schema/events.ts';
import { isGlobal, type Principal } from '../principal.ts';

/** First word of an event's type → topic. What is not named here is `system`, seen by global callers only. */
const AREAS: Readonly<Record<string, EventTopic>> = {
  app: 'apps',
  config: 'config',
  preset: 'config',
  s3: 'config',
  storage: 'config',
  job: 'jobs',
  node: 'nodes',
  cluster: 'nodes',
  stream: 'streams',
  room: 'streams',
  participant: 'streams',
  ingress: 'streams',
  vod: 'vods',
  recording: 'vods',
  snapshot: 'vods',
  callback: 'callbacks',
  log: 'logs',
  token: 'access',
  session: 'access',
  auth: 'access',
  user: 'access',
  account: 'access',
  team: 'access',
  tenant: 'access',
  member: 'access',
  invite: 'access',
  security: 'access',
  audit: 'access',
  plugin: 'plugins',
};

/** What a person's role must hold to see a topic; null = callers of global scope only. */
const NEEDS: Readonly<Record<EventTopic, Permission | null>> = {
  apps: 'app:read',
  config: 'config:read',
  jobs: 'app:read',
  streams: 'stream:read',
  vods: 'vod:read',
  callbacks: 'config:read',
  logs: 'usage:read',
  nodes: null,
  access: null,
  plugins: null,
  system: null,
};

/** Whom an event concerns. */
export interface Audience {
  topic: EventTopic;
  app: string | null;
  appId: number | null;
  tenant: string | null;
}

export function topicOf(type: string): EventTopic {
  return AREAS[type.split('.', 1)[0] as string] ?? 'system';
}

/** May the caller see the event? The same in every enforcement mode, like the list of apps. */
export function maySee(principal: Principal, event: Audience): boolean {
  if (isGlobal(principal)) return true;
  const permission = NEEDS[event.topic];
  if (permission === null) return false;
  if (principal.scope === 'app') return event.appId !== null && event.appId === principal.appId;
  if (principal.tenantId === null || event.tenant !== principal.tenantId) return false;
  return principal.role === 'owner' || principal.role === 'editor' || principal.role === 'viewer'
    ? roleAllows(principal.role as Role, permission)
    : false;
}
