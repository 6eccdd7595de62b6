import type { FastifyInstance } from 'fastify';
import { bearer } from '#daemon/platform/http/authenticate.ts';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/watch.ts';
import { ok } from '#shared/schema/common.ts';
import type { WatchService } from './service.ts';

export function watchRoutes(app: FastifyInstance, { watch }: { watch: WatchService }): void {
  // pages of other sites that send a join token make a preflight request first
  app.options('/apps/:app/watch/:room', (_request, reply) =>
    reply
      .code(204)
      .headers({
        'access-control-allow-origin': '*',
        'access-control-allow-headers': 'authorization',
        'access-control-allow-methods': 'GET',
        'access-control-max-age': '86400',
      })
      .send(),
  );
  route(app, ops.getWatch, async ({ params, request, reply }) => {
    // viewers' pages are on other sites too; there is no cookie that they could send
    reply.headers({
      'cache-control': 'no-store',
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
    });
    return ok(await watch.view(params.app, params.room, bearer(request.headers.authorization)));
  });
}
