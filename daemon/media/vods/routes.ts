import type { FastifyInstance } from 'fastify';
import type { AppFiles } from '#daemon/apps/storage/app-files.ts';
import type { StorageService } from '#daemon/apps/storage/service.ts';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/vods.ts';
import { ok } from '#shared/schema/common.ts';
import type { VodService } from './service.ts';

export interface VodRouteServices {
  vods: VodService;
  appFiles: AppFiles;
  storage: StorageService;
}

export function vodRoutes(app: FastifyInstance, { vods, appFiles, storage }: VodRouteServices): void {
  route(app, ops.listVods, ({ params, query }) => vods.list(params.app, query));
  route(app, ops.getVod, ({ params }) => vods.get(params.app, params.id));
  route(app, ops.getAppFile, async ({ params, query, request, reply }) => {
    const { status, headers, body } = await appFiles.open(params.app, params.file, query, request.raw);
    return reply.code(status).headers(headers).send(body);
  });
  route(app, ops.getPlaylist, async ({ params, query, reply }) => {
    const { headers, text } = await storage.playlists.open(params.app, params.file, query.grant);
    return reply.headers(headers).send(text);
  });
  route(app, ops.transcodeVod, async ({ params }) => ok(await vods.transcode(params.app, params.id)));
  route(app, ops.deleteVod, ({ params, query, actor, audit }) => {
    const leaveObjects = query.leaveObjects === true;
    if (leaveObjects) audit({ after: { leaveObjects } });
    return vods.remove(params.app, params.id, actor, leaveObjects) as Promise<undefined>;
  });
}
