import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/callbacks.ts';
import { ok } from '#shared/schema/common.ts';
import type { CallbackService } from './service.ts';

export function callbackRoutes(app: FastifyInstance, { callbacks }: { callbacks: CallbackService }): void {
  route(app, ops.getCallbacks, async ({ params }) => ok(await callbacks.state(params.app)));
  route(app, ops.listDeliveries, ({ params, query }) => callbacks.list(params.app, query));
  route(app, ops.getDelivery, ({ params, query }) => ok(callbacks.get(params.app, params.id, query)));
  route(app, ops.redeliver, async ({ params, query }) => ok(await callbacks.redeliver(params.app, params.id, query)));
  route(app, ops.redeliverDead, async ({ params, query }) =>
    ok({ redelivered: await callbacks.redeliverDead(params.app, query) }),
  );
  route(app, ops.skipDeliveries, ({ params, body, actor, query }) =>
    ok({ skipped: callbacks.skip(params.app, body, actor, query) }),
  );
  route(app, ops.testCallback, async ({ params, actor }) => ok(await callbacks.test(params.app, actor)));
}
