import type { FastifyInstance, onRequestHookHandler, onSendHookHandler, preHandlerHookHandler } from 'fastify';
import type { Operation } from '#shared/contract/operation.ts';

interface Stages {
  onRequest: onRequestHookHandler;
  preHandler: preHandlerHookHandler;
  onSend: onSendHookHandler;
}

/**
 * Adds a hook to the operations for which `hookFor` makes one. It is made when the route is registered, so that what
 * depends on the operation alone is decided once and the others pay nothing at a request. Hooks of one stage run in the
 * order of installation, after those that are for all routes.
 */
export function hookOperations<S extends keyof Stages>(
  app: FastifyInstance,
  stage: S,
  hookFor: (op: Operation) => Stages[S] | undefined,
): void {
  app.addHook('onRoute', (route) => {
    const op = route.config?.operation;
    const hook = op === undefined ? undefined : hookFor(op);
    if (hook === undefined) return;
    Object.assign(route, { [stage]: [route[stage] ?? [], hook].flat() });
  });
}
