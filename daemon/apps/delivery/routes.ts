import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/delivery.ts';
import { ok } from '#shared/schema/common.ts';
import type { DeliveryService } from './service.ts';

export function deliveryRoutes(app: FastifyInstance, { delivery }: { delivery: DeliveryService }): void {
  route(app, ops.getDeliveryPlan, async ({ params }) => ok(await delivery.view(params.name)));
}
