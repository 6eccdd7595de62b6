import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/audit.ts';
import type { AuditTrail } from './service.ts';

export function auditRoutes(app: FastifyInstance, { audit }: { audit: AuditTrail }): void {
  route(app, ops.listAudit, ({ query, principal }) => audit.list(query, principal));
}
