import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/live-hls.ts';
import type { StreamService } from '../streams/service.ts';
import type { LiveHlsService } from './service.ts';

export function liveHlsRoutes(
  app: FastifyInstance,
  { liveHls, streams }: { liveHls: LiveHlsService; streams: StreamService },
): void {
  route(app, ops.startLiveHls, async ({ params }) =>
    streams.get(params.app, (await liveHls.start(params.app, params.id)).stream_id),
  );
  route(app, ops.stopLiveHls, async ({ params }) =>
    streams.get(params.app, (await liveHls.end(params.app, params.id)).stream_id),
  );
}
