import { randomBytes } from 'node:crypto';
import type { FastifyInstance, onResponseHookHandler } from 'fastify';
import type { Logger } from 'pino';

/** Request ids: unique over restarts, cheap to make. */
export function requestIds(): () => string {
  const boot = randomBytes(5).toString('hex');
  let next = 0;
  return () => {
    next += 1;
    return `${boot}-${next.toString(36)}`;
  };
}

/**
 * One log line a request, after the answer: reads and nodes’ reports at debug, changes at info, failures of the daemon at
 * error. Query strings are not logged. While debug is off, routine routes get no hook at all: listening for the end of
 * each answer is a measurable part of a small one's cost, and the error handler writes their failures.
 */
export function installRequestLog(app: FastifyInstance): void {
  const isDebug = (app.log as Logger).isLevelEnabled('debug');
  app.addHook('onRoute', (route) => {
    // nodes report every few seconds, which is not a change worth a line
    const isRoutine =
      [route.method].flat().every((method) => method === 'GET' || method === 'HEAD') ||
      route.config?.operation?.access === 'cluster-token';
    if (isRoutine && !isDebug) return;
    const log: onResponseHookHandler = (request, reply, done) => {
      const level = reply.statusCode >= 500 ? 'error' : isRoutine ? 'debug' : 'info';
      request.log[level](
        {
          requestId: request.id,
          method: request.method,
          route: request.routeOptions.url ?? 'unmatched',
          status: reply.statusCode,
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
