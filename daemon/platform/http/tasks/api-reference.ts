import { gzipSync } from 'node:zlib';
import apiReference from '@scalar/fastify-api-reference';
import fastify, { type FastifyReply, type FastifyRequest, type RouteHandlerMethod } from 'fastify';

/**
 * The browser bundle of Scalar's API reference, compressed with gzip. The package exposes it only through its plugin's
 * route. The handler is called directly: `app.inject` needs `require()` of ES modules, which is off in this pool.
 */
export default async function readApiReference(): Promise<Uint8Array> {
  const app = fastify();
  let handler: RouteHandlerMethod | undefined;
  app.addHook('onRoute', (route) => {
    if (route.url === '/docs/js/scalar.js' && route.method === 'GET') handler = route.handler;
  });
  await app.register(apiReference, { routePrefix: '/docs', configuration: { url: '/openapi.json' } });
  let script = '';
  const reply = {
    header: () => reply,
    send: (payload: string) => {
      script = payload;
    },
  };
  handler?.call(app, {} as FastifyRequest, reply as unknown as FastifyReply);
  if (script === '') throw new Error('Scalar’s plugin no longer serves js/scalar.js');
  return gzipSync(script, { level: 9 });
}
