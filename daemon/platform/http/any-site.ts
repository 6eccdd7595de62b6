import type { FastifyInstance } from 'fastify';
import { hookOperations } from './hook-operations.ts';

/** There is no cookie that a page of another site could send. */
export const OPEN_TO_ALL = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'retry-after, ratelimit, ratelimit-policy, x-request-id',
  'cross-origin-resource-policy': 'cross-origin',
  'cache-control': 'no-store',
};

/** Lets pages of any site read the answers of operations that are for them, and answers their preflight requests. Refusals are for them too: see errors.ts. */
export function installAnySite(app: FastifyInstance): void {
  app.addHook('onRoute', ({ config, method, url }) => {
    if (!config?.operation?.isForAnySite || method === 'HEAD') return;
    app.options(url, { config: { isPreflight: true } }, (_request, reply) =>
      reply
        .code(204)
        .headers({
          'access-control-allow-origin': '*',
          'access-control-allow-headers': 'authorization, content-type',
          'access-control-allow-methods': String(method),
          'access-control-max-age': '86400',
        })
        .send(),
    );
  });
  hookOperations(app, 'onRequest', ({ isForAnySite }) =>
    isForAnySite
      ? (_request, reply, done) => {
          reply.headers(OPEN_TO_ALL);
          done();
        }
      : undefined,
  );
}
