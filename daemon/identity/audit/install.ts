import type { FastifyInstance, FastifyRequest, onSendHookHandler, preHandlerHookHandler } from 'fastify';
import { actorOf } from '#daemon/platform/http/actor.ts';
import { hookOperations } from '#daemon/platform/http/hook-operations.ts';
import { isReplayed } from '#daemon/platform/http/idempotency/install.ts';
import type { AuditNote } from '#daemon/platform/http/types.ts';
import { isGlobal } from '#shared/access.ts';
import { appParamOf, type Operation } from '#shared/contract/operation.ts';
import type { AuditTrail } from './service.ts';

type TenantOf = (app: string) => string | undefined;

/**
 * Writes an entry for every operation that changes something, with its answer: done, refused for want of rights or a
 * wrong sign-in, or failed inside the daemon. Wrong input and conflicts change nothing and leave no entry. The hooks
 * are set on those routes only, so that reading pays nothing.
 */
export function installAudit(app: FastifyInstance, trail: AuditTrail, tenantOf: TenantOf): void {
  app.decorateRequest('auditNote', null);
  const begin: preHandlerHookHandler = (request, _reply, done) => {
    // looked up now: the app may be gone when the answer is
    request.auditNote = { ...scopeOf(request, tenantOf), ...request.auditNote };
    trail.begin(request.id);
    done();
  };
  // not at the end of the response: a client that left early must not take the entry with it
  const end: onSendHookHandler = (request, reply, payload, done) => {
    // a stored answer was written to the trail when it was new
    if (!isReplayed(reply)) writeEntry(trail, request, reply.statusCode, tenantOf);
    done(null, payload);
  };
  hookOperations(app, 'preHandler', (op) => (isAudited(op) ? begin : undefined));
  hookOperations(app, 'onSend', (op) => (isAudited(op) ? end : undefined));
}

/** Everything but reading and dry runs; what nodes and LiveKit send only where the contract names it. */
export function isAudited(op: Operation): boolean {
  if (op.audit === false || op.method === 'GET') return false;
  if (op.audit !== undefined) return true;
  if (op.access === 'webhook' || op.access === 'cluster-token') return false;
  return !(typeof op.access === 'object' && op.access.permission.endsWith(':read'));
}

function writeEntry(trail: AuditTrail, request: FastifyRequest, status: number, tenantOf: TenantOf): void {
  const op = request.routeOptions.config.operation as Operation;
  const events = trail.end(request.id);
  const outcome = outcomeOf(status, op, request);
  if (outcome === undefined) return;
  const note: AuditNote = request.auditNote ?? scopeOf(request, tenantOf);
  const told = Object.assign({}, ...events.map((event) => event.data)) as Record<string, unknown>;
  const isDone = outcome === 'done';
  const owner = [note, ...events].find(({ tenant }) => tenant !== undefined);
  trail.write({
    action: op.audit || op.id,
    outcome,
    status,
    actor: note.actor ?? actorOf(request),
    actorIsGlobal: request.principal != null && isGlobal(request.principal),
    app: note.app ?? events.find((event) => event.app !== undefined)?.app,
    tenant: owner === undefined ? teamOfCaller(op, request) : owner.tenant,
    target: note.target ?? lastParam(request) ?? text(told['name'] ?? told['id']) ?? note.app,
    before: isDone ? note.before : null,
    after: note.isPartial
      ? note.after
      : isDone
        ? note.after === undefined
          ? { ...told, ...bodyOf(request) }
          : note.after
        : null,
  });
}

function outcomeOf(status: number, op: Operation, request: FastifyRequest): 'done' | 'refused' | 'failed' | undefined {
  if (status < 400) return 'done';
  if (status >= 500) return 'failed';
  if (status === 403 && (request.principal !== null || op.limit !== undefined)) return 'refused';
  return status === 401 && op.limit !== undefined ? 'refused' : undefined;
}

/** What only callers of global scope may do is the installation's, not of the team in which they act. */
const teamOfCaller = ({ access, isOfInstallation }: Operation, { principal }: FastifyRequest) =>
  access === 'global' || isOfInstallation ? null : principal?.tenantId;

/** The app that the path names, and its team. */
function scopeOf(request: FastifyRequest, tenantOf: TenantOf): AuditNote {
  const op = request.routeOptions.config.operation as Operation;
  const param = appParamOf(op);
  const app = param === undefined ? undefined : text((request.params as Record<string, unknown>)[param]);
  return app === undefined ? {} : { app, tenant: tenantOf(app) };
}

const bodyOf = (request: FastifyRequest): object =>
  typeof request.body === 'object' && request.body !== null && !Array.isArray(request.body) ? request.body : {};

const lastParam = (request: FastifyRequest): string | undefined =>
  text(Object.values((request.params ?? {}) as Record<string, unknown>).at(-1));

const text = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
