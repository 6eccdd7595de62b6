import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
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

/** One log line a request, after the answer: reads and nodes’ reports at debug, changes at info, failures of the daemon at error. Query strings are not logged. */
export function installRequestLog(app: FastifyInstance): void {
  app.addHook('onResponse', (request, reply, done) => {
    // nodes report every few seconds, which is no change worth a line
    const isRoutine = request.method === 'GET' || request.routeOptions.config.operation?.access === 'cluster-token';
    const level = reply.statusCode >= 500 ? 'error' : isRoutine ? 'debug' : 'info';
    if ((request.log as Logger).isLevelEnabled(level)) {
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
    }
    done();
  });
}
