import type { FastifyInstance } from 'fastify';
import { isTracing, type RequestTrace, traceRequest } from '../tracing.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Null without tracing. */
    trace: RequestTrace | null;
  }
}

/** Makes each request a span that ends with its response, refusals before the handler included. */
export function installRequestTraces(app: FastifyInstance): void {
  app.decorateRequest('trace', null);
  if (!isTracing()) return;
  app.addHook('onRequest', (request, reply, done) => {
    const trace = traceRequest(request.method, request.headers, request.id);
    if (trace !== undefined) {
      request.trace = trace;
      reply.raw.once('close', () =>
        trace.end(request.routeOptions.url ?? 'unmatched', reply.raw.statusCode, reply.errorCode),
      );
    }
    done();
  });
}
