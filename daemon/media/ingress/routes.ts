import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/ingress.ts';
import { ok } from '#shared/schema/common.ts';
import type { IngressService } from './service.ts';

export function ingressRoutes(app: FastifyInstance, { ingests }: { ingests: IngressService }): void {
  route(app, ops.listIngress, ({ params, query }) => ingests.list(params.app, query));
  route(app, ops.getIngress, async ({ params }) => ok(await ingests.get(params.app, params.id)));
  route(app, ops.getIngressKey, async ({ params }) => ok(await ingests.key(params.app, params.id)));
  route(app, ops.createIngress, async ({ params, body, principal, actor }) =>
    ok(await ingests.create(params.app, body, principal, actor)),
  );
  route(app, ops.updateIngress, async ({ params, body, principal, actor }) =>
    ok(await ingests.update(params.app, params.id, body, principal, actor)),
  );
  route(
    app,
    ops.deleteIngress,
    ({ params, actor }) => ingests.remove(params.app, params.id, actor) as Promise<undefined>,
  );
}
