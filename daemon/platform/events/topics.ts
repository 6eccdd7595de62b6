import { holds, isGlobal, isWithin, visibleApps } from '#shared/access.ts';
import type { Permission } from '#shared/permissions.ts';
import type { EventTopic, EventType } from '#shared/schema/events.ts';
import type { Principal } from '../principal.ts';

/** What a person's role must hold to see a type or else its topic; null = callers of global scope only. */
const NEEDS: Readonly<Record<EventTopic, Permission | null> & Partial<Record<EventType, Permission>>> = {
  apps: 'app:read',
  config: 'config:read',
  jobs: 'app:read',
  rooms: 'room:read',
  sessions: 'session:read',
  streams: 'stream:read',
  vods: 'vod:read',
  callbacks: 'config:read',
  logs: 'usage:read',
  alerts: 'alert:read',
  nodes: null,
  access: null,
  'team.changed': 'usage:read',
  plugins: null,
  system: null,
};

/** Whom an event concerns. */
export interface Audience {
  topic: EventTopic;
  type: string;
  app: string | null;
  appId: number | null;
  tenant: string | null;
  /** Id of the person whom it is about. */
  user: string | null;
}

/** May the caller see the event? The same in every enforcement mode, like the list of apps. */
export function maySee(principal: Principal, { topic, type, appId, tenant, user }: Audience): boolean {
  if (isGlobal(principal) || (user !== null && user === principal.userId)) return true;
  const permission = NEEDS[type as EventType] ?? NEEDS[topic];
  return (
    permission !== null && holds(principal, permission) && isWithin(visibleApps(principal), { appId, tenantId: tenant })
  );
}
