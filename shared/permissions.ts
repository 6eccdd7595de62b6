/**
 * Who may do what: the one table behind authorisation, the OpenAPI document and the route × caller test.
 * A permission is `resource:action`. The names and who holds them are part of the API (`GET /auth/me` lists them), also those that no
 * operation needs so far: `docs/permissions.md` shows which ones do.
 */
export const RESOURCES = [
  'app',
  'config',
  's3',
  'stream',
  'recording',
  'vod',
  'broadcast',
  'sample',
  'ingress',
  'tenant',
  'usage',
  'token',
  'room',
  'session',
  'alert',
] as const;
export const ACTIONS = ['read', 'create', 'write', 'delete', 'start', 'stop'] as const;
type Resource = (typeof RESOURCES)[number];
type Action = (typeof ACTIONS)[number];
export type Permission = `${Resource}:${Action}`;

export const PERMISSIONS: readonly Permission[] = RESOURCES.flatMap((resource) =>
  ACTIONS.map((action) => `${resource}:${action}` as const),
);

/** Those that an operation needs so far: a token can be limited to them. */
export const USED_PERMISSIONS: readonly Permission[] = [
  'app:read',
  'app:create',
  'app:delete',
  'config:read',
  'config:write',
  's3:read',
  's3:write',
  'stream:read',
  'stream:write',
  'stream:stop',
  'vod:read',
  'vod:write',
  'vod:delete',
  'ingress:read',
  'ingress:create',
  'ingress:write',
  'ingress:delete',
  'usage:read',
  'broadcast:start',
  'room:read',
  'room:create',
  'room:write',
  'room:stop',
  'session:read',
  'alert:read',
  'alert:write',
];

/** Roles of a person inside a team. API tokens act as `service`, a superadmin's session as `superadmin`. */
export const ROLES = ['owner', 'editor', 'viewer'] as const;
export type Role = (typeof ROLES)[number];

const every = (resource: Resource): Permission[] => ACTIONS.map((action) => `${resource}:${action}` as const);
const some = (resource: Resource, ...actions: Action[]): Permission[] =>
  actions.map((action) => `${resource}:${action}` as const);

const GRANTS: Readonly<Record<Role, ReadonlySet<Permission>>> = {
  owner: new Set(RESOURCES.flatMap(every)),
  editor: new Set([
    ...some('app', 'read', 'create', 'write'),
    ...some('config', 'read', 'write'),
    ...some('s3', 'read', 'write'),
    ...some('stream', 'read', 'write', 'start', 'stop', 'delete'),
    ...some('recording', 'read', 'start', 'stop', 'write'),
    ...some('vod', 'read', 'write', 'delete'),
    ...some('broadcast', 'read', 'start', 'stop', 'write'),
    ...some('sample', 'read', 'write'),
    ...some('ingress', 'read', 'create', 'write', 'delete'),
    ...some('usage', 'read'),
    ...every('room'),
    ...some('session', 'read'),
    ...some('alert', 'read'),
  ]),
  viewer: new Set(RESOURCES.map((resource) => `${resource}:read` as const)),
};

/** Does the role hold the permission? */
export function roleAllows(role: Role, permission: Permission): boolean {
  return GRANTS[role].has(permission);
}

/** All permissions of a role, for documentation and the account page. */
export function permissionsOf(role: Role): Permission[] {
  return [...GRANTS[role]];
}
