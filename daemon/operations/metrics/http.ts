import type { FastifyInstance } from 'fastify';
import type { MetricsService } from './service.ts';

declare module 'fastify' {
  interface FastifyReply {
    /** Code of the error table that was sent, if one was. */
    errorCode?: string;
  }
}

/** Status of a request whose client left before the answer began. */
const CLIENT_GONE = 499;

/**
 * Counts every request once its answer is out, with the status that was really sent: refusals before the handler and
 * unknown routes too.
 */
export function installRequestMetrics(app: FastifyInstance, metrics: MetricsService): void {
  let inFlight = 0;
  metrics.collect('http_requests_in_flight', () => [{ value: inFlight }]);
  app.addHook('onRequest', (request, reply, done) => {
    if (!metrics.isEnabled) return done();
    inFlight += 1;
    const startedAt = performance.now();
    reply.raw.once('close', () => {
      inFlight -= 1;
      // an answer that never ends by itself (events) is ended by its reader
      const status = reply.raw.headersSent ? reply.raw.statusCode : CLIENT_GONE;
      const labels = { method: request.method, route: request.routeOptions.url ?? 'unmatched', status };
      metrics.count('http_requests_total', labels);
      metrics.observe('http_request_duration_seconds', labels, (performance.now() - startedAt) / 1000);
      if (status >= 400) metrics.count('errors_total', { source: 'http', code: reply.errorCode ?? String(status) });
    });
    done();
  });
}
