import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import { sendList } from '#daemon/platform/http/send-list.ts';
import { isGlobal } from '#shared/access.ts';
import { getLoadHistory, getNodeHistory } from '#shared/contract/history.ts';
import { ok } from '#shared/schema/common.ts';
import { NodeHistory } from '#shared/schema/history.ts';
import type { HistoryService } from './service.ts';

/** What the load was. */
export function historyRoutes(app: FastifyInstance, { history }: { history: HistoryService }): void {
  route(app, getLoadHistory, ({ query, principal }) => {
    const { lines, ...span } = history.server(query.minutes ?? 60);
    if (isGlobal(principal)) return ok({ ...span, lines });
    const { streams: _streams, rooms: _rooms, ...machine } = lines;
    return ok({ ...span, lines: machine });
  });
  route(app, getNodeHistory, ({ query, reply }) => {
    const { nodes, ...fields } = history.nodes(query.minutes ?? 60, query.node);
    return sendList(reply, NodeHistory, nodes, { fields, name: 'nodes' });
  });
}
