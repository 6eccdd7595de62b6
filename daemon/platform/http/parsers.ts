import type { FastifyInstance } from 'fastify';
import { ApiError } from '#shared/errors.ts';

/** Levels of objects and lists in a body. Deeper ones overflow the stack of what walks through them. */
const MAX_DEPTH = 100;

declare module 'fastify' {
  interface FastifyRequest {
    /** A body was sent, but not as JSON, so it was not read. */
    hasForeignBody: boolean;
  }
}

/** JSON bodies only. Another content type is read to its end and ignored, so that validation says what is missing. */
export function installParsers(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.decorateRequest('hasForeignBody', false);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(/^application\/json\s*(?:;|$)/i, { parseAs: 'string' }, (request, text, done) => {
    const body = text as string;
    if (body === '') done(null, undefined);
    else if (isDeeperThan(MAX_DEPTH, body))
      done(new ApiError('BAD_JSON', { reason: `it is nested more than ${MAX_DEPTH} levels deep` }));
    else parseJson(request, body, done);
  });
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    request.hasForeignBody = body.length > 0;
    done(null, undefined);
  });
}

/** Counts open brackets outside of texts; the parser refuses what isn't JSON. */
function isDeeperThan(max: number, json: string): boolean {
  let depth = 0;
  let isText = false;
  for (let at = 0; at < json.length; at += 1) {
    const char = json.charCodeAt(at);
    if (isText) {
      if (char === 0x5c) at += 1;
      else if (char === 0x22) isText = false;
    } else if (char === 0x22) isText = true;
    else if (char === 0x5b || char === 0x7b) {
      depth += 1;
      if (depth > max) return true;
    } else if (char === 0x5d || char === 0x7d) depth -= 1;
  }
  return false;
}
