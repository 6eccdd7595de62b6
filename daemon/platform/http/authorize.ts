import type { FastifyInstance, FastifyRequest } from 'fastify';
import { fixedRefusal, type OwnedByApp, permissionRefusal, type Refusal } from '#shared/access.ts';
import { appParamOf, type Operation } from '#shared/contract/operation.ts';
import { ApiError } from '#shared/errors.ts';
import type { Principal } from '../principal.ts';
import { OPEN } from './authenticate.ts';
import { hookOperations } from './hook-operations.ts';
import { requestFields } from './request-log.ts';

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

/** Enforces each operation's access, before its body is parsed or validated. The rules are those of shared/access.ts. */
export function installAuthorization(app: FastifyInstance, options: AuthorizeOptions): void {
  hookOperations(app, 'onRequest', (op) =>
    OPEN.has(op.access) || op.isAboutCaller
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
  const fixed = fixedRefusal(op, principal);
  if (fixed !== undefined) return errorOf(fixed);
  if (options.mode === 'off') return undefined;
  const refusal = permissionRefusal(op, principal, appOf(op, request, options));
  if (refusal === undefined) return undefined;
  if (options.mode === 'on') return errorOf(refusal);
  request.log.warn(
    { ...requestFields(request), operation: op.id, principal: principal.userId, code: refusal.code },
    'would be refused',
  );
  return undefined;
}

/** The app that the path names; null = there is none of that name. */
function appOf(op: Operation, request: FastifyRequest, options: AuthorizeOptions): OwnedByApp | null | undefined {
  const param = appParamOf(op);
  if (param === undefined) return undefined;
  const app = options.findApp((request.params as Record<string, string>)[param] ?? '');
  return app === undefined ? null : { appId: app.id, tenantId: app.tenantId };
}

const errorOf = ({ code, permission }: Refusal): ApiError =>
  new ApiError(code, permission === undefined ? {} : { permission });
