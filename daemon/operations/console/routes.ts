import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { fillTemplate } from '#daemon/platform/files/template.ts';
import type { BuildState, ConsoleBuilder } from './builder.ts';
import type { ConsoleFile } from './files.ts';
import type { ConsoleService } from './service.ts';

/**
 * What the console's pages may load: their own files, and recordings from wherever the buckets are. Styles may be
 * inline because the component kit sets them at run time; scripts may not.
 */
const CONSOLE_CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self'",
  "img-src 'self' data: https: http:",
  "media-src 'self' blob: https: http:",
  // hls.js reads playlists and segments of recordings
  "connect-src 'self' https: http: ws: wss:",
  "worker-src 'self'",
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');
const NOTE_CSP = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
const HASHED = /^assets\/.+-[\w-]{8}\.\w+$/;
const YEAR = 31_536_000;

/** Serves the built console at `/`; paths that are no file are its pages. */
export function consoleRoutes(app: FastifyInstance, console: ConsoleService, publicPath = () => ''): void {
  app.route({
    method: ['GET', 'HEAD'],
    url: '/*',
    handler: async (request, reply) => {
      const base = publicPath();
      const name = nameOf(request);
      const file = name === undefined ? undefined : await console.files.find(name === '' ? 'index.html' : name);
      if (file !== undefined) return send(request, reply, console, file, base);
      if (!isPage(request, name)) return notFound(reply);
      const index = await console.files.find('index.html');
      return index === undefined ? sendNote(reply, console.builder, base) : send(request, reply, console, index, base);
    },
  });
}

/** As any other route that is not there: the API's error in JSON. */
function notFound(reply: FastifyReply): FastifyReply {
  reply.callNotFound();
  return reply;
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

async function send(
  request: FastifyRequest,
  reply: FastifyReply,
  { files }: ConsoleService,
  file: ConsoleFile,
  base: string,
): Promise<FastifyReply> {
  if (file.name === 'index.html' && base !== '') {
    return reply
      .type('text/html; charset=utf-8')
      .headers({ 'content-security-policy': CONSOLE_CSP, 'cache-control': 'no-cache' })
      .send(await files.indexBelow(base));
  }
  // loaded when a browser first comes: most daemons' first requests are API calls
  const { default: sendFile } = await import('@fastify/send');
  const accepted = String(request.headers['accept-encoding'] ?? '');
  const encoding =
    file.brotli && /\bbr\b/.test(accepted) ? 'br' : file.gzip && /\bgzip\b/.test(accepted) ? 'gzip' : undefined;
  const suffix = encoding === undefined ? '' : encoding === 'br' ? '.br' : '.gz';
  const isHashed = HASHED.test(file.name);
  const result = await sendFile(request.raw, encodeURI(file.name + suffix), {
    root: files.dir,
    contentType: false,
    cacheControl: isHashed,
    maxAge: YEAR * 1000,
    immutable: isHashed,
    acceptRanges: encoding === undefined,
  });
  reply.code(result.statusCode).headers(result.headers as Record<string, string>);
  if (!isHashed) reply.header('cache-control', 'no-cache');
  if (result.statusCode >= 400) {
    result.stream.destroy();
    return notFound(reply);
  }
  reply.header('vary', 'accept-encoding');
  reply.type(sendFile.mime.getType(file.name) ?? 'application/octet-stream');
  if (encoding !== undefined) reply.header('content-encoding', encoding);
  if (file.name.endsWith('.html')) reply.type('text/html; charset=utf-8');
  // a worker obeys the policy of its script
  if (/\.(?:html|js)$/.test(file.name)) reply.header('content-security-policy', CONSOLE_CSP);
  return reply.send(result.stream);
}

const NOTES: Record<BuildState, [title: string, text: string]> = {
  installing: [
    'The web console is being prepared',
    'StreamHub installs the packages that build it, once. This page shows it as soon as it is there.',
  ],
  building: ['The web console is being built', 'This page shows it as soon as it is there, in less than a minute.'],
  idle: ['The web console is being built', 'This page shows it as soon as it is there.'],
  failed: [
    'The web console could not be built',
    'See the daemon’s log for the reason, or run <code>npm run build:console</code>.',
  ],
  absent: ['This package has no web console', 'The daemon itself works: use the desktop app, the API or the CLI.'],
};

/** Says why there is no console yet, and looks again by itself while it is being made. */
function sendNote(reply: FastifyReply, { state, progress }: ConsoleBuilder, base: string): FastifyReply {
  const [title, text] = NOTES[state];
  const isComing = state === 'installing' || state === 'building' || state === 'idle';
  return reply
    .code(isComing ? 503 : 404)
    .header('content-security-policy', NOTE_CSP)
    .header('cache-control', 'no-store')
    .headers(isComing ? { 'retry-after': '3' } : {})
    .type('text/html; charset=utf-8')
    .send(
      fillTemplate('operations/console/assets/note.html.tmpl', {
        title,
        text: state === 'installing' && progress !== undefined ? `${text} ${progress}.` : text,
        base,
        refresh: isComing ? '<meta http-equiv="refresh" content="3">' : '',
      }),
    );
}
