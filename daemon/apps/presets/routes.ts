import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/presets.ts';
import { ok } from '#shared/schema/common.ts';
import type { PresetService } from './service.ts';

export function presetRoutes(app: FastifyInstance, { presets }: { presets: PresetService }): void {
  route(app, ops.listPresets, async ({ params }) => ok(await presets.list(params.name)));
  route(app, ops.previewPreset, async ({ params }) => ok(await presets.preview(params.name, params.preset)));
  route(app, ops.applyPreset, async ({ params, actor, request, reply }) => {
    const { etag, ...applied } = await presets.apply(params.name, params.preset, {
      actor,
      ifMatch: request.headers['if-match'],
    });
    reply.header('etag', etag);
    return ok(applied);
  });
}
