import { appParamOf, type Operation } from './contract/operation.ts';
import { PERMISSIONS, type Permission, permissionsOf, ROLES, type Role, roleAllows } from './permissions.ts';

/** What the rules read of the caller: the daemon's `Principal`, or the answer of `GET /auth/me`. */
export interface Caller {
  /** The team acted for; null for a person without one. */
  readonly tenantId: string | null;
  readonly role: Role | 'service' | 'superadmin' | null;
  readonly isSuperadmin: boolean;
  readonly scope: 'global' | 'app' | 'user';
  readonly via: 'api_token' | 'admin_jwt' | 'user_jwt';
  /** The one app of an app token. */
  readonly appId?: number | undefined;
  /** An API token that reads and changes nothing. */
  readonly readOnly?: boolean | undefined;
  /** The only permissions of an API token. */
  readonly limitedTo?: readonly string[] | undefined;
}

/** An app, or what belongs to one. */
export interface OwnedByApp {
  readonly appId: number | null;
  readonly tenantId: string | null;
}

/** Why a caller may not do something: the error's code, and what is missing, in words. */
export interface Refusal {
  code:
    | 'TOKEN_LIMITED'
    | 'APP_TOKEN_REFUSED'
    | 'GLOBAL_SCOPE_REQUIRED'
    | 'HUMAN_REQUIRED'
    | 'FORBIDDEN'
    | 'APP_NOT_YOURS'
    | 'NO_TENANT';
  lack: string;
  /** With `FORBIDDEN`: the permission or role that is missing. */
  permission?: string;
}

/** Sees and changes everything: a global token or a superadmin. */
export const isGlobal = (caller: Caller): boolean => caller.scope === 'global';

/** A person behind a session rather than an API token. */
const isHuman = (caller: Caller): boolean => caller.via !== 'api_token';

const roleOf = ({ role }: Caller): Role | null => ROLES.find((known) => known === role) ?? null;

// --- permissions ---------------------------------------------------------------

/** An app token holds every permission on its app, and none on people, tokens or further apps. */
export const isAppTokens = (permission: Permission): boolean =>
  permission !== 'app:create' && !permission.startsWith('tenant:') && !permission.startsWith('token:');

/** All permissions that a caller holds, as `GET /auth/me` lists them. */
export function permissionsHeld(caller: Caller): Permission[] {
  const role = roleOf(caller);
  if (role !== null) return permissionsOf(role);
  if (caller.role === null) return [];
  return PERMISSIONS.filter((one) => (isGlobal(caller) || isAppTokens(one)) && isWithinLimit(caller, one));
}

/** Does the limit of a token leave it this permission? */
const isWithinLimit = ({ readOnly, limitedTo }: Caller, permission: Permission): boolean =>
  (!readOnly || permission.endsWith(':read')) && (limitedTo === undefined || limitedTo.includes(permission));

/** Does the caller hold the permission, on what it may see? */
export function holds(caller: Caller, permission: Permission): boolean {
  if (!isWithinLimit(caller, permission)) return false;
  if (isGlobal(caller)) return true;
  if (caller.scope === 'app') return isAppTokens(permission);
  const role = roleOf(caller);
  return role !== null && roleAllows(role, permission);
}

// --- which apps -----------------------------------------------------------------

/** The apps that a caller may see. */
export type VisibleApps =
  | { readonly kind: 'all' }
  | { readonly kind: 'team'; readonly tenantId: string }
  | { readonly kind: 'app'; readonly appId: number }
  | { readonly kind: 'none' };

/** The apps that a caller may see: the one place that decides it. */
export function visibleApps(caller: Caller): VisibleApps {
  if (isGlobal(caller)) return { kind: 'all' };
  if (caller.scope === 'app')
    return caller.appId === undefined ? { kind: 'none' } : { kind: 'app', appId: caller.appId };
  return caller.tenantId === null ? { kind: 'none' } : { kind: 'team', tenantId: caller.tenantId };
}

/** Does something that belongs to an app, or to a team alone, lie within what the caller may see? */
export function isWithin(apps: VisibleApps, owner: OwnedByApp): boolean {
  switch (apps.kind) {
    case 'all':
      return true;
    case 'team':
      return owner.tenantId === apps.tenantId;
    case 'app':
      return owner.appId === apps.appId;
    case 'none':
      return false;
  }
}

// --- operations -----------------------------------------------------------------

/**
 * Why a caller lacks what an operation's access demands besides a permission. These hold in every enforcement mode.
 * @returns undefined when nothing is lacking
 */
export function fixedRefusal(op: Operation, caller: Caller): Refusal | undefined {
  const { access, refusesAppTokens, isOfInstallation } = op;
  if (isBeyondLimit(op, caller)) return { code: 'TOKEN_LIMITED', lack: 'a token without this limit' };
  if (refusesAppTokens && caller.scope === 'app')
    return { code: 'APP_TOKEN_REFUSED', lack: 'a credential that is not limited to one app' };
  if ((access === 'global' || isOfInstallation) && !isGlobal(caller))
    return { code: 'GLOBAL_SCOPE_REQUIRED', lack: 'a credential with global scope' };
  if (access === 'human' && !isHuman(caller))
    return { code: 'HUMAN_REQUIRED', lack: 'a user session; an API token is signed in' };
  if (access === 'owner' && !caller.isSuperadmin && caller.role !== 'owner')
    return { code: 'FORBIDDEN', permission: 'owner', lack: 'the role owner' };
  return undefined;
}

/** A limited token does what its permissions name. Beside those, a read-only one reads all answers that have no secret in them. */
function isBeyondLimit({ access, method, isAboutCaller, revealsSecret }: Operation, caller: Caller): boolean {
  if ((!caller.readOnly && caller.limitedTo === undefined) || isAboutCaller) return false;
  if (typeof access === 'object') return !isWithinLimit(caller, access.permission);
  return caller.limitedTo !== undefined || method !== 'GET' || revealsSecret === true;
}

/**
 * Why a caller lacks the permission of an operation.
 * @param app the app that the path names: undefined = not looked at, null = there is none of that name
 */
export function permissionRefusal(op: Operation, caller: Caller, app?: OwnedByApp | null): Refusal | undefined {
  if (typeof op.access !== 'object' || isGlobal(caller)) return undefined;
  const { permission } = op.access;
  const namesApp = appParamOf(op) !== undefined;
  const apps = visibleApps(caller);
  if (caller.scope === 'user' && (apps.kind === 'none' || roleOf(caller) === null)) {
    // without a team there is no app to see; a list of apps is answered as empty
    if (!namesApp && permission === 'app:read') return undefined;
    return { code: 'NO_TENANT', lack: 'a team' };
  }
  // an app token is told first that the app is not its own, also of a name that no app has
  if (caller.scope === 'app' && namesApp && app !== undefined && (app === null || !isWithin(apps, app)))
    return NOT_YOURS;
  if (!holds(caller, permission) && !(caller.scope === 'app' && namesApp))
    return { code: 'FORBIDDEN', permission, lack: `the right ${permission}` };
  return app && !isWithin(apps, app) ? NOT_YOURS : undefined;
}

const NOT_YOURS: Refusal = { code: 'APP_NOT_YOURS', lack: 'access to this app' };

/** Why a caller may not use an operation, as far as that is known without the app; undefined = it may. */
export const refusalOf = (op: Operation, caller: Caller): Refusal | undefined =>
  fixedRefusal(op, caller) ?? permissionRefusal(op, caller);
