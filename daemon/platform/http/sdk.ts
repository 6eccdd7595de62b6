import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';

/** Address, package, and the file beside the package's entry. */
const FILES = [
  ['livekit-client.mjs', 'livekit-client', 'livekit-client.esm.mjs'],
  ['hls.mjs', 'hls.js', 'hls.min.mjs'],
  ['hls.worker.js', 'hls.js', 'hls.worker.js'],
] as const;

/** LiveKit's browser client and hls.js for pages, from our own dependencies: no page of ours loads code from elsewhere. */
export function installBrowserSdk(app: FastifyInstance): void {
  for (const [name, library, file] of FILES)
    app.get(`/sdk/${name}`, (_request, reply) => {
      const entry = createRequire(import.meta.url).resolve(library);
      return (
        reply
          .type('text/javascript; charset=utf-8')
          .header('cache-control', 'public, max-age=3600')
          // pages of other sites import them
          .header('access-control-allow-origin', '*')
          .header('cross-origin-resource-policy', 'cross-origin')
          .send(createReadStream(path.join(path.dirname(entry), file)))
      );
    });
}
