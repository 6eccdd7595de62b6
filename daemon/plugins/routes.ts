import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/plugins.ts';
import { ok } from '#shared/schema/common.ts';
import type { PluginService } from './service.ts';

export function pluginRoutes(app: FastifyInstance, { plugins }: { plugins: PluginService }): void {
  route(app, ops.listPlugins, async () => ok(await plugins.views()));
  route(app, ops.getPlugin, async ({ params }) => ok(await plugins.view(params.id)));
  route(app, ops.reloadPlugins, async ({ actor }) => {
    await plugins.reload(actor);
    return ok(await plugins.views());
  });
  route(app, ops.enablePlugin, async ({ params, actor }) => ok(await plugins.enable(params.id, actor)));
  route(app, ops.disablePlugin, async ({ params, actor }) => ok(await plugins.disable(params.id, actor)));
}
