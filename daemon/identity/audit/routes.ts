import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import type { Services } from '#daemon/start/services.ts';
import * as ops from '#shared/contract/audit.ts';

export function auditRoutes(app: FastifyInstance, { audit }: Services): void {
  route(app, ops.listAudit, ({ query, principal }) => audit.list(query, principal));
}
