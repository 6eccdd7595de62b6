import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/s3.ts';
import { ok } from '#shared/schema/common.ts';
import type { StorageService } from './service.ts';

export function storageRoutes(app: FastifyInstance, { storage }: { storage: StorageService }): void {
  route(app, ops.getS3, async ({ params }) => ok(await storage.view(params.name)));
  route(app, ops.putS3, async ({ params, body, actor, request }) =>
    ok(await storage.put(params.name, body, { actor, ifMatch: request.headers['if-match'] })),
  );
  route(app, ops.testS3, async ({ params, body }) => ok(await storage.test(params.name, body)));
  route(app, ops.listStorageProviders, async () => ok(await storage.providers()));
}
