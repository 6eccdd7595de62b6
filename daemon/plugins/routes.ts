import type { FastifyInstance, FastifyRequest } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/plugins.ts';
import { fieldError } from '#shared/errors.ts';
import { ok } from '#shared/schema/common.ts';
import type { PluginFromUrl } from '#shared/schema/plugins.ts';
import type { PluginInstaller, PluginSource } from './install/installer.ts';
import type { PluginService } from './service.ts';

interface Services {
  plugins: PluginService;
  pluginInstaller: PluginInstaller;
}

export function pluginRoutes(app: FastifyInstance, { plugins, pluginInstaller }: Services): void {
  route(app, ops.listPlugins, async () => ok(await plugins.views()));
  route(app, ops.getPlugin, async ({ params }) => ok(await pluginInstaller.view(params.id)));
  route(app, ops.installPlugin, async ({ request, body, query, actor, audit }) => {
    const source = sourceOf(request, body, query);
    audit({ after: originOf(source) });
    const installed = await pluginInstaller.install(source, actor);
    audit({ target: installed.id, after: { version: installed.version, ...originOf(source) } });
    return ok(installed);
  });
  route(app, ops.updatePlugin, async ({ request, params, body, query, actor, audit }) => {
    const source = sourceOf(request, body, query);
    const before = await plugins.view(params.id);
    audit({ before: { version: before.version }, after: originOf(source) });
    const updated = await pluginInstaller.update(params.id, source, query.force === true, actor);
    audit({ after: { version: updated.version, ...originOf(source) } });
    return ok(updated);
  });
  route(app, ops.rollBackPlugin, async ({ params, query, actor, audit }) => {
    const before = await plugins.view(params.id);
    const after = await pluginInstaller.rollBack(params.id, query.force === true, actor);
    audit({ before: { version: before.version }, after: { version: after.version } });
    return ok(after);
  });
  route(app, ops.removePlugin, async ({ params, query, actor, audit }) => {
    const before = await plugins.view(params.id);
    audit({ before: { version: before.version }, after: null });
    await pluginInstaller.remove(params.id, query.force === true, actor);
  });
  route(app, ops.reloadPlugins, async ({ actor }) => {
    await plugins.reload(actor);
    return ok(await plugins.views());
  });
  route(app, ops.enablePlugin, async ({ params, actor }) => ok(await plugins.enable(params.id, actor)));
  route(app, ops.disablePlugin, async ({ params, actor }) => ok(await plugins.disable(params.id, actor)));
}

/** The file that is sent, or the address in the JSON. */
function sourceOf(
  { upload }: FastifyRequest,
  body: PluginFromUrl | undefined,
  query: { sha256?: string },
): PluginSource {
  if (upload !== null) return { file: upload, sha256: query.sha256 };
  if (body !== undefined && body !== null) return body;
  throw fieldError(
    'body',
    'must be a packed plugin sent with Content-Type: application/gzip, or a JSON object with url and sha256',
  );
}

/** Where a plugin came from, for the audit trail: a query in the address may hold a secret. */
const originOf = (source: PluginSource): Record<string, string | undefined> =>
  'file' in source
    ? { from: 'upload', sha256: source.sha256 }
    : { from: new URL(source.url).host, sha256: source.sha256 };
