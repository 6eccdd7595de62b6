import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import { testConnection } from '#shared/contract/system.ts';
import { ok } from '#shared/schema/common.ts';
import type { ConnectionTests } from './service.ts';

export function connectionRoutes(app: FastifyInstance, { connections }: { connections: ConnectionTests }): void {
  route(app, testConnection, async ({ params }) => ok(await connections.test(params.connection)));
}
