import type { FastifyInstance } from 'fastify';
import * as ops from '#shared/contract/audit.ts';
import { route } from '../http/route.ts';
import type { Services } from '../services.ts';

export function auditRoutes(app: FastifyInstance, { audit }: Services): void {
  route(app, ops.listAudit, ({ query, principal }) => audit.list(query, principal));
}
