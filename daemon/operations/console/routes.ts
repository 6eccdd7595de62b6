import type { FastifyInstance, FastifyRequest } from 'fastify';
import { pagePolicy } from '#daemon/platform/http/page-policy.ts';
import { notFound, sendStatic } from '#daemon/platform/http/static-files.ts';
import type { BuiltPages } from './built-pages.ts';
import { CONSOLE } from './clone-builder.ts';
import { sendNote } from './note.ts';

/** Recordings are wherever the buckets are. */
const CONSOLE_CSP = pagePolicy({
  'img-src': "'self' data: https: http:",
  'media-src': "'self' blob: https: http:",
  // hls.js reads playlists and segments of recordings
  'connect-src': "'self' https: http: ws: wss:",
  'worker-src': "'self'",
  'base-uri': "'self'",
  'form-action': "'self'",
});

/** Serves the built console at `/`; paths that are no file are its pages. */
export function consoleRoutes(app: FastifyInstance, console: BuiltPages, publicPath = () => ''): void {
  app.route({
    method: ['GET', 'HEAD'],
    url: '/*',
    handler: async (request, reply) => {
      const base = publicPath();
      const name = nameOf(request);
      const asked = name === undefined ? undefined : await console.files.find(name === '' ? 'index.html' : name);
      if (asked === undefined && !isPage(request, name)) return notFound(reply);
      const file = asked ?? (await console.files.find('index.html'));
      if (file === undefined) return sendNote(reply, CONSOLE, console.builder, base);
      return sendStatic(request, reply, console.files, file, {
        policy: CONSOLE_CSP,
        base: file.name === 'index.html' ? base : '',
        rewrite: (page) => page.replace('<base href="/"', `<base href="${base}/"`),
      });
    },
  });
}

function nameOf(request: FastifyRequest): string | undefined {
  const name = (request.params as { '*': string })['*'];
  return name.startsWith('api/') || name.includes('\0') ? undefined : name;
}

/** A page of the console, requested by a browser. */
function isPage(request: FastifyRequest, name: string | undefined): boolean {
  if (name === undefined || /^(?:assets|api)(?:\/|$)/.test(name)) return false;
  return name === '' || /\btext\/html\b/.test(request.headers.accept ?? '');
}
