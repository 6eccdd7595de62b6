import type { FastifyInstance } from 'fastify';
import { getHealth, getReady } from '#shared/contract/system.ts';
import { route } from '../http/route.ts';
import type { HealthService } from './health.ts';

/** Health, readiness, stats and settings. */
export function systemRoutes(app: FastifyInstance, { health }: { health: HealthService }): void {
  route(app, getHealth, () => health.health());
  route(app, getReady, () => health.ready());
}
