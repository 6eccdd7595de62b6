import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/apps.ts';
import { fieldError } from '#shared/errors.ts';
import { ok } from '#shared/schema/common.ts';
import type { AppDeletion } from './deletion.ts';
import type { AppService } from './service.ts';

/** The pages are the daemon's own; they carry their script inside and reach LiveKit wherever it is. */
const SAMPLE_CSP =
  "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; connect-src *; media-src 'self' blob:; frame-ancestors *";

export function appRoutes(app: FastifyInstance, { apps, deletion }: { apps: AppService; deletion: AppDeletion }): void {
  route(app, ops.listApps, ({ principal }) => apps.visible(principal), { memo: true });
  route(app, ops.createApp, ({ body, principal, actor }) => apps.create(body, principal, actor));
  route(app, ops.getApp, ({ params }) => apps.get(params.name));
  route(app, ops.getAppSizes, async ({ params }) => ok(await apps.sizes(params.name)));
  route(app, ops.deleteApp, async ({ params, query, actor, audit, isAsync, reply }) => {
    const mode = { purge: query.deleteVods === true, leaveObjects: query.leaveObjects === true };
    if (mode.leaveObjects && !mode.purge)
      throw fieldError('query.leaveObjects', 'needs deleteVods=true; without it the objects stay anyway');
    if (mode.leaveObjects) audit({ after: { deleteVods: true, leaveObjects: true } });
    if (isAsync) {
      reply.code(202);
      return ok(deletion.begin(params.name, mode, actor, false));
    }
    const { warnings } = await deletion.delete(params.name, mode, actor);
    return { deleted: true as const, name: params.name, ...(warnings.length > 0 ? { warnings } : {}) };
  });
  route(app, ops.listHeldPrefixes, () => ok(apps.heldPrefixes()));
  route(app, ops.freePrefix, ({ params, audit }) => {
    audit({ target: params.prefix, before: apps.freePrefix(params.prefix) });
    return undefined;
  });
  route(app, ops.getSample, async ({ params, reply }) => {
    const html = await apps.sample(params.app, params.file);
    return reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', SAMPLE_CSP)
      .removeHeader('x-frame-options')
      .send(html);
  });
}
