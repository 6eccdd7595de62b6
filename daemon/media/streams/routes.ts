import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import * as rooms from '#shared/contract/rooms.ts';
import * as ops from '#shared/contract/streams.ts';
import { ok } from '#shared/schema/common.ts';
import type { JoinTokenService } from './join-tokens.ts';
import type { StreamService } from './service.ts';

export function streamRoutes(
  app: FastifyInstance,
  { streams, joinTokens }: { streams: StreamService; joinTokens: JoinTokenService },
): void {
  route(app, ops.listStreams, ({ params, query }) => streams.list(params.app, query));
  route(app, ops.getStream, ({ params }) => streams.get(params.app, params.id));
  route(app, ops.endStream, ({ params }) => streams.end(params.app, params.id) as Promise<undefined>);
  route(app, ops.getAppStats, async ({ params }) => ok(await streams.stats(params.app)));
  route(app, rooms.createJoinToken, async ({ params, body, principal, request }) =>
    ok(await joinTokens.create(params.app, body, principal, `${request.protocol}://${request.host}`)),
  );
}
