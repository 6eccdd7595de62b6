import type { FastifyInstance } from 'fastify';
import { getLoadHistory, getNodeHistory } from '#shared/contract/history.ts';
import { ok } from '#shared/schema/common.ts';
import { route } from '../http/route.ts';
import type { HistoryService } from './service.ts';

/** What the load was. */
export function historyRoutes(app: FastifyInstance, { history }: { history: HistoryService }): void {
  route(app, getLoadHistory, ({ query }) => ok(history.server(query.minutes ?? 60)));
  route(app, getNodeHistory, ({ query }) => ok(history.nodes(query.minutes ?? 60, query.node)));
}
