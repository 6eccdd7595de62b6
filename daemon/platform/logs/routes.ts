import type { FastifyInstance } from 'fastify';
import { countAppLogs, countLogs, listAppLogs, listErrors, listLogs } from '#shared/contract/logs.ts';
import { ok } from '#shared/schema/common.ts';
import { route } from '../http/route.ts';
import type { LogService } from './service.ts';

/** `GET /logs` and its twin for one app. */
export function logRoutes(app: FastifyInstance, { logs }: { logs: LogService }): void {
  route(app, listLogs, ({ query, principal }) => logs.search(query, principal));
  route(app, listErrors, async ({ query, principal }) => ok(await logs.errors(query, principal)));
  route(app, countLogs, async ({ query, principal }) => ok(await logs.histogram(query, principal)));
  route(app, countAppLogs, async ({ params, query }) => ok(await logs.histogramOfApp(params.app, query)));
  route(app, listAppLogs, ({ params, query }) => logs.searchApp(params.app, query));
}
