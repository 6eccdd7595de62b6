import type { FastifyInstance } from 'fastify';
import { bearer } from '#daemon/platform/http/authenticate.ts';
import { route } from '#daemon/platform/http/route.ts';
import { getMetrics } from '#shared/contract/system.ts';
import type { MetricsService } from './service.ts';

/** `GET /metrics`, at the server's root. */
export function metricsRoutes(app: FastifyInstance, { metrics }: { metrics: MetricsService }): void {
  route(app, getMetrics, async ({ query, request, reply }) => {
    reply.header('cache-control', 'no-store');
    const text = await metrics.scrape(bearer(request.headers.authorization) ?? query.token);
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(text);
  });
}
