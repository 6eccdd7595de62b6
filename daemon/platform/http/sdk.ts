import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';

/** LiveKit's browser client for the sample pages, from our own dependency: no page of ours loads code from elsewhere. */
export function installBrowserSdk(app: FastifyInstance): void {
  app.get('/sdk/livekit-client.mjs', (_request, reply) => {
    const entry = createRequire(import.meta.url).resolve('livekit-client');
    const file = path.join(path.dirname(entry), 'livekit-client.esm.mjs');
    return reply
      .type('text/javascript; charset=utf-8')
      .header('cache-control', 'public, max-age=3600')
      .header('cross-origin-resource-policy', 'cross-origin')
      .send(createReadStream(file));
  });
}
