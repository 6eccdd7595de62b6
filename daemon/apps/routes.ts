import type { FastifyInstance } from 'fastify';
import * as ops from '#shared/contract/apps.ts';
import { ok } from '#shared/schema/common.ts';
import { route } from '../http/route.ts';
import type { Services } from '../services.ts';

export function appRoutes(app: FastifyInstance, { apps }: Services): void {
  // the list is serialised once a change, not once a request
  route(app, ops.listApps, ({ principal, reply }) =>
    reply.type('application/json; charset=utf-8').send(apps.listJson(principal)),
  );
  route(app, ops.createApp, ({ body, principal, actor }) => apps.create(body, principal, actor));
  route(app, ops.getApp, ({ params }) => apps.get(params.name));
  route(app, ops.getAppSizes, async ({ params }) => ok(await apps.sizes(params.name)));
}
