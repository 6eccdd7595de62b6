import type { FastifyInstance } from 'fastify';
import * as ops from '#shared/contract/tokens.ts';
import { route } from '../http/route.ts';
import type { Services } from '../services.ts';

export function tokenRoutes(app: FastifyInstance, { tokens }: Services): void {
  route(app, ops.listTokens, () => tokens.list());
  route(app, ops.createToken, ({ body, actor }) => tokens.create(body, actor));
  route(app, ops.revokeToken, ({ params, actor }) => {
    tokens.revoke(params.id, actor);
    return undefined;
  });
}
