import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import { compareNodeQuality, getNodeQuality } from '#shared/contract/quality.ts';
import { ok } from '#shared/schema/common.ts';
import type { NodeQualityService } from './service.ts';

/** How well media travelled through the nodes. */
export function qualityRoutes(app: FastifyInstance, { nodeQuality }: { nodeQuality: NodeQualityService }): void {
  route(app, getNodeQuality, ({ params, query }) => ok(nodeQuality.node(params.id, query.minutes)));
  route(app, compareNodeQuality, async ({ query }) => ok(await nodeQuality.compare(query)));
}
