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
    const hooks = [route[stage] ?? []].flat() as unknown[];
    // the last one of a HEAD route is Fastify's, which empties the answer
    const isEmptied = stage === 'onSend' && route.method === 'HEAD';
    Object.assign(route, { [stage]: hooks.toSpliced(isEmptied ? -1 : hooks.length, 0, hook) });
  });
}
