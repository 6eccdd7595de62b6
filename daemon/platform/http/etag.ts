import { hash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { isPolled } from '#shared/contract/answers.ts';
import { hookOperations } from './hook-operations.ts';

/** Does an `If-Match` or `If-None-Match` header name this version? `*` names any. A proxy that compresses marks an ETag as weak, which changes nothing. */
export function matchesEtag(header: string, etag: string): boolean {
  const asked = header.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return asked.includes('*') || asked.includes(etag);
}

/** A hash of a text. */
export const etagOf = (text: string): string => `"${hash('sha256', text, 'base64url').slice(0, 22)}"`;

/** Gives answers that clients poll an ETag, a hash of their text, and answers 304 while a client has the newest. */
export function installEtags(app: FastifyInstance): void {
  hookOperations(app, 'onSend', (op) => {
    if (!isPolled(op)) return undefined;
    /** What a memoised route sent last: its text isn't hashed again. */
    let last = { text: '', etag: '' };
    return (request, reply, payload, done) => {
      if (reply.statusCode !== 200 || typeof payload !== 'string') return done(null, payload);
      const etag = payload === last.text ? last.etag : etagOf(payload);
      if (request.routeOptions.config.isMemoized) last = { text: payload, etag };
      reply.header('etag', etag);
      const known = request.headers['if-none-match'];
      if (known === undefined || !matchesEtag(known, etag)) return done(null, payload);
      reply.code(304).removeHeader('content-type').removeHeader('content-length');
      // the text of a HEAD is dropped after this
      done(null, request.method === 'HEAD' ? payload : null);
    };
  });
}
