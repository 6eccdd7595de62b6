import type { FastifyInstance, FastifyRequest } from 'fastify';
import { appParamOf, type Operation } from '#shared/contract/operation.ts';
import { ApiError } from '#shared/errors.ts';
import { type Permission, type Role, roleAllows } from '#shared/permissions.ts';
import { isGlobal, isHuman, type Principal } from '../principal.ts';
import { OPEN } from './authenticate.ts';
import { hookOperations } from './hook-operations.ts';

/** What authorisation needs to know of an app. */
interface AppAccess {
  id: number;
  tenantId: string;
}

export interface AuthorizeOptions {
  /** `off` skips role and isolation checks, `log` only warns of them, `on` enforces them. */
  mode: 'off' | 'log' | 'on';
  findApp(name: string): AppAccess | undefined;
}

/** Does a caller whom the operation let in hold this further right as well? Decides how much of an answer is shown. */
export function holdsPermission(principal: Principal, permission: Permission): boolean {
  return isGlobal(principal) || principal.scope === 'app' || roleAllows(principal.role as Role, permission);
}

/** Enforces each operation's access, before its body is parsed or validated. The only place that decides about rights. */
export function installAuthorization(app: FastifyInstance, options: AuthorizeOptions): void {
  hookOperations(app, 'onRequest', (op) =>
    OPEN.has(op.access) || op.access === 'bearer'
      ? undefined
      : (request, _reply, done) => done(refusalOf(op, request, request.principal as Principal, options)),
  );
}

function refusalOf(
  op: Operation,
  request: FastifyRequest,
  principal: Principal,
  options: AuthorizeOptions,
): ApiError | undefined {
  const fixed = checkFixed(op, principal);
  if (fixed !== undefined || typeof op.access !== 'object' || options.mode === 'off') return fixed;
  const refusal = checkPermission(op, op.access.permission, request, principal, options);
  if (refusal === undefined || options.mode === 'on') return refusal;
  request.log.warn(
    { requestId: request.id, operation: op.id, principal: principal.userId, code: refusal.code },
    'would be refused',
  );
  return undefined;
}

/** Tests that hold in every enforcement mode. */
function checkFixed(op: Operation, principal: Principal): ApiError | undefined {
  if (op.access === 'global' && !isGlobal(principal)) return new ApiError('GLOBAL_SCOPE_REQUIRED');
  if (op.access === 'human' && !isHuman(principal)) return new ApiError('HUMAN_REQUIRED');
  if (op.access === 'owner' && !principal.isSuperadmin && principal.role !== 'owner') {
    return new ApiError('FORBIDDEN', { permission: 'owner' });
  }
  return undefined;
}

function checkPermission(
  op: Operation,
  permission: Permission,
  request: FastifyRequest,
  principal: Principal,
  options: AuthorizeOptions,
): ApiError | undefined {
  if (isGlobal(principal)) return undefined;
  const param = appParamOf(op);
  const app =
    param === undefined ? undefined : options.findApp((request.params as Record<string, string>)[param] ?? '');
  if (principal.scope === 'app') {
    return param !== undefined && app?.id !== principal.appId
      ? new ApiError('APP_NOT_YOURS')
      : serviceWithoutApp(param, permission);
  }
  if (principal.tenantId === null || principal.role === null) {
    // without a team there is no app to see; a list is answered as empty
    return param === undefined && permission === 'app:read' ? undefined : new ApiError('NO_TENANT');
  }
  if (!roleAllows(principal.role as Role, permission)) return new ApiError('FORBIDDEN', { permission });
  if (app !== undefined && app.tenantId !== principal.tenantId) return new ApiError('APP_NOT_YOURS');
  return undefined;
}

/** An app token holds every right on its own app and none on its team's people or money. */
function serviceWithoutApp(param: string | undefined, permission: Permission): ApiError | undefined {
  if (param !== undefined) return undefined;
  const resource = permission.split(':')[0];
  if (permission === 'app:create') return new ApiError('FORBIDDEN', { permission });
  return resource === 'tenant' || resource === 'token' ? new ApiError('FORBIDDEN', { permission }) : undefined;
}
