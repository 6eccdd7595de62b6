import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/tokens.ts';
import type { TokenService } from './service.ts';

export function tokenRoutes(app: FastifyInstance, { tokens }: { tokens: TokenService }): void {
  route(app, ops.listTokens, () => tokens.list());
  route(app, ops.createToken, ({ body, actor }) => tokens.create(body, actor));
  route(app, ops.revokeToken, ({ params, actor }) => {
    tokens.revoke(params.id, actor);
    return undefined;
  });
}
