import { type Permission, type Role, roleAllows } from '#shared/permissions.ts';
import type { EventTopic } from '#shared/schema/events.ts';
import { isGlobal, type Principal } from '../principal.ts';

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
