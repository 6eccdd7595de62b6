import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import type { Services } from '#daemon/start/services.ts';
import * as ops from '#shared/contract/tokens.ts';

export function tokenRoutes(app: FastifyInstance, { tokens }: Services): void {
  route(app, ops.listTokens, () => tokens.list());
  route(app, ops.createToken, ({ body, actor }) => tokens.create(body, actor));
  route(app, ops.revokeToken, ({ params, actor }) => {
    tokens.revoke(params.id, actor);
    return undefined;
  });
}
