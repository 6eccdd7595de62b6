import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import { holds, isGlobal } from '#shared/access.ts';
import { MASK } from '#shared/config/annotations.ts';
import * as ops from '#shared/contract/s3.ts';
import { ok } from '#shared/schema/common.ts';
import { hideSecretsIn } from '#shared/secrets.ts';
import type { StorageService } from './service.ts';

export function storageRoutes(app: FastifyInstance, { storage }: { storage: StorageService }): void {
  route(app, ops.getS3, async ({ params, principal }) => {
    const view = await storage.view(params.name);
    if (holds(principal, 's3:write')) return ok(view);
    const { endpoint, public_url, publicWarning, options } = view;
    return ok({ ...view, ...hideSecretsIn({ endpoint, public_url, publicWarning, options }, MASK) });
  });
  route(app, ops.putS3, async ({ params, body, actor, request, reply, principal }) => {
    const { view, etag } = await storage.put(params.name, body, {
      actor,
      ifMatch: request.headers['if-match'],
      isOperator: isGlobal(principal),
    });
    reply.header('etag', etag);
    return ok(view);
  });
  route(app, ops.testS3, async ({ params, body, principal }) =>
    ok(await storage.test(params.name, body, isGlobal(principal))),
  );
  route(app, ops.createS3Bucket, async ({ params, body, principal }) =>
    ok(await storage.createBucket(params.name, body, isGlobal(principal))),
  );
  route(app, ops.allowS3Pages, async ({ params, body, principal }) =>
    ok(await storage.allowPages(params.name, body, isGlobal(principal))),
  );
  route(app, ops.listStorageProviders, async () => ok(await storage.providers()));
}
