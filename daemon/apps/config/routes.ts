import type { FastifyInstance, FastifyReply } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import { holds, isGlobal } from '#shared/access.ts';
import { configJsonSchema } from '#shared/config/json-schema.ts';
import * as ops from '#shared/contract/config.ts';
import { ok } from '#shared/schema/common.ts';
import type { ConfigService } from './service.ts';

export function configRoutes(app: FastifyInstance, { config }: { config: ConfigService }): void {
  const tagged = (reply: FastifyReply, etag: string | null): void => {
    if (etag !== null) reply.header('etag', etag);
  };

  route(app, ops.patchApp, async ({ params, body, actor, request, reply }) => {
    const { view, etag } = await config.patchApp(params.name, body, { actor, ifMatch: request.headers['if-match'] });
    tagged(reply, etag);
    return view;
  });
  route(app, ops.getConfig, async ({ params, reply }) => {
    const { view, etag } = await config.streaming(params.app);
    tagged(reply, etag);
    return view;
  });
  route(app, ops.patchConfig, async ({ params, body, actor, request, reply }) => {
    const { view, etag } = await config.patchStreaming(params.app, body, {
      actor,
      ifMatch: request.headers['if-match'],
    });
    tagged(reply, etag);
    return view;
  });

  route(app, ops.getRawConfig, async ({ params, principal, reply }) => {
    const raw = await config.raw(params.name, {
      showsSecrets: holds(principal, 'config:write'),
      isOperator: isGlobal(principal),
    });
    tagged(reply, raw.etag);
    return ok(raw);
  });
  route(app, ops.putRawConfig, async ({ params, body, actor, request, reply }) => {
    const { etag, ...written } = await config.putRaw(params.name, body.yaml, {
      actor,
      reason: 'raw',
      ifMatch: request.headers['if-match'],
      confirmPublic: body.confirmPublic,
    });
    tagged(reply, etag);
    return ok(written);
  });
  route(app, ops.validateConfig, async ({ params, body }) => ok(await config.validate(params.name, body.yaml)));
  route(app, ops.previewConfig, async ({ params, body }) => ok(await config.previewPatch(params.name, body)));

  route(app, ops.listConfigBackups, async ({ params }) => ok(await config.backups(params.name)));
  route(app, ops.getConfigBackup, async ({ params, principal }) =>
    ok(await config.backup(params.name, params.ts, holds(principal, 'config:write'))),
  );
  route(app, ops.revertConfig, async ({ params, body, actor, request, reply }) => {
    const { etag, ...written } = await config.revert(params.name, params.ts, {
      actor,
      ifMatch: request.headers['if-match'],
      confirmPublic: body.confirmPublic,
    });
    tagged(reply, etag);
    return ok(written);
  });
  route(app, ops.reloadConfig, async ({ params, actor }) => ok(await config.reload(params.name, actor)));
  route(app, ops.getConfigSchema, () => configJsonSchema());
}
