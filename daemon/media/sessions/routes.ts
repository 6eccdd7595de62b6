import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/sessions.ts';
import { ok } from '#shared/schema/common.ts';
import type { SessionService } from './service.ts';

const TYPES = { csv: 'text/csv; charset=utf-8', jsonl: 'application/jsonl; charset=utf-8' } as const;

/** What was in the rooms of an app. */
export function sessionRoutes(app: FastifyInstance, { roomSessions }: { roomSessions: SessionService }): void {
  route(app, ops.listRoomSessions, ({ params, query }) => roomSessions.list(params.app, query));
  route(app, ops.listAllSessions, ({ query, principal }) => roomSessions.listAll(query, principal));
  route(app, ops.getSessionFigures, async ({ params }) => ok(await roomSessions.figures(params.app)));
  route(app, ops.getAllSessionFigures, async ({ principal }) => ok(await roomSessions.allFigures(principal)));
  route(app, ops.listPersonStays, ({ params, query }) => roomSessions.person(params.app, query));
  route(app, ops.exportSessions, async ({ params, query, reply }) => {
    const { format = 'csv', of = 'sessions' } = query;
    return reply
      .type(TYPES[format])
      .header('content-disposition', `attachment; filename="${params.app}-${of}.${format}"`)
      .send(roomSessions.export(params.app, query));
  });
  route(app, ops.getSession, ({ params, query }) => roomSessions.get(params.app, params.id, query));
}
