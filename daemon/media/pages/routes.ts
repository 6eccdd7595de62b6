import type { FastifyInstance } from 'fastify';
import { bearer } from '#daemon/platform/http/authenticate.ts';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/watch.ts';
import { ok } from '#shared/schema/common.ts';
import type { WatchService } from './service.ts';

export function watchRoutes(app: FastifyInstance, { watch }: { watch: WatchService }): void {
  route(app, ops.getWatch, async ({ params, query, request }) =>
    ok(await watch.view(params.app, params.room, bearer(request.headers.authorization), query.region)),
  );
  route(app, ops.countHlsViewer, async ({ params, body, request }) => {
    const { viewer, gone: isGone = false } = body;
    const token = bearer(request.headers.authorization);
    return ok(await watch.countHlsViewer(params.app, params.room, token, { viewer, isGone }));
  });
}
