import type { FastifyInstance } from 'fastify';
import { listAppLogs, listLogs } from '#shared/contract/logs.ts';
import { route } from '../http/route.ts';
import type { LogService } from './service.ts';

/** `GET /logs` and its twin for one app. */
export function logRoutes(app: FastifyInstance, { logs }: { logs: LogService }): void {
  route(app, listLogs, ({ query, principal }) => logs.search(query, principal));
  route(app, listAppLogs, ({ params, query }) => logs.searchApp(params.app, query));
}
