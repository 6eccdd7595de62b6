import type { FastifyInstance } from 'fastify';
import { bearer } from '#daemon/platform/http/authenticate.ts';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/watch.ts';
import { ok } from '#shared/schema/common.ts';
import type { WatchService } from './service.ts';

export function watchRoutes(app: FastifyInstance, { watch }: { watch: WatchService }): void {
  for (const path of ['/apps/:app/watch/:room', '/apps/:app/watch/:room/viewers']) allowPages(app, path);
  route(app, ops.getWatch, async ({ params, query, request, reply }) => {
    reply.headers(OPEN_TO_ALL);
    return ok(await watch.view(params.app, params.room, bearer(request.headers.authorization), query.region));
  });
  route(app, ops.countHlsViewer, async ({ params, body, request, reply }) => {
    reply.headers(OPEN_TO_ALL);
    const { viewer, gone: isGone = false } = body;
    const token = bearer(request.headers.authorization);
    return ok(await watch.countHlsViewer(params.app, params.room, token, { viewer, isGone }));
  });
}

/** Pages of other sites that send a join token make a preflight request first. */
export function allowPages(app: FastifyInstance, path: string): void {
  app.options(path, (_request, reply) =>
    reply
      .code(204)
      .headers({
        'access-control-allow-origin': '*',
        'access-control-allow-headers': 'authorization, content-type',
        'access-control-allow-methods': 'GET, POST',
        'access-control-max-age': '86400',
      })
      .send(),
  );
}

/** Viewers' pages are on other sites too; there is no cookie that they could send. */
export const OPEN_TO_ALL = {
  'cache-control': 'no-store',
  'access-control-allow-origin': '*',
  'cross-origin-resource-policy': 'cross-origin',
};
