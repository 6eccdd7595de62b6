import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyRequest, onResponseHookHandler } from 'fastify';
import type { Logger } from 'pino';
import { appParamOf } from '#shared/contract/operation.ts';
import type { LogContext } from '../log-context.ts';

/** Request ids: unique over restarts, cheap to make. */
export function requestIds(): () => string {
  const boot = randomBytes(5).toString('hex');
  let next = 0;
  return () => {
    next += 1;
    return `${boot}-${next.toString(36)}`;
  };
}

/** What the lines of a request have in common: its id, and the app that its path, its change or its event is about. */
export function requestFields({ id, params, routeOptions, logContext, auditNote }: FastifyRequest): LogContext {
  const op = routeOptions.config.operation;
  const param = op === undefined ? undefined : appParamOf(op);
  const named = param === undefined ? undefined : (params as Record<string, string>)[param];
  const app = named ?? logContext?.app ?? auditNote?.app;
  return app === undefined ? { requestId: id } : { requestId: id, app };
}

/**
 * One log line a request, after the answer: reads and nodes’ reports at debug, changes at info. Query strings are not
 * logged. While debug is off, routine routes get no hook at all: listening for the end of each answer is a measurable part
 * of a small one's cost. What was refused or failed has a line of the error handler in any case.
 */
export function installRequestLog(app: FastifyInstance, httpLog: Pick<Logger, 'isLevelEnabled'>): void {
  app.decorateRequest('logContext', null);
  const isDebug = httpLog.isLevelEnabled('debug');
  app.addHook('onRoute', (route) => {
    // nodes report every few seconds, which is not a change worth a line
    const isRoutine =
      [route.method].flat().every((method) => method === 'GET' || method === 'HEAD') ||
      route.config?.operation?.access === 'cluster-token';
    if (isRoutine && !isDebug) return;
    const log: onResponseHookHandler = (request, reply, done) => {
      const level = isRoutine ? 'debug' : 'info';
      request.log[level](
        {
          ...requestFields(request),
          method: request.method,
          route: request.routeOptions.url ?? 'unmatched',
          status: reply.statusCode,
          code: reply.errorCode,
          ms: Math.round(reply.elapsedTime * 10) / 10,
          principal: request.principal?.userId,
        },
        'request',
      );
      done();
    };
    route.onResponse = [route.onResponse ?? [], log].flat();
  });
}
