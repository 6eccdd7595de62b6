import { isUtf8 } from 'node:buffer';
import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ApiError, type ErrorDetail, fieldErrors } from '#shared/errors.ts';
import { hookOperations } from './hook-operations.ts';

/** Levels of objects and lists in a body. Deeper ones overflow the stack of what walks through them. */
const MAX_DEPTH = 100;
/** Half of a pair that makes a character, which in UTF-8 only an escape can bring. Whole pairs can be escaped, too. */
const HALF_ESCAPED = /\\u[dD][89a-fA-F]/;

declare module 'fastify' {
  interface FastifyRequest {
    /** A body was sent, but not as JSON, so it was not read. */
    hasForeignBody: boolean;
    /** The file that was sent as the body, where the operation takes one; the handler reads and bounds it. */
    upload: Readable | null;
  }
}

/**
 * JSON bodies, and files for operations that take them. Another content type is read to its end and ignored, so that
 * validation says what is missing.
 */
export function installParsers(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.decorateRequest('hasForeignBody', false);
  app.decorateRequest('upload', null);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(/^application\/json\s*(?:;|$)/i, { parseAs: 'buffer' }, (request, content, done) => {
    const bytes = content as Buffer;
    const problem = compression(request) ?? charset(request);
    const body = bytes.toString();
    if (body === '') done(null, undefined);
    else if (problem !== undefined) done(problem);
    else if (!isUtf8(bytes)) done(new ApiError('BAD_JSON', { reason: 'it is not UTF-8' }));
    else if (isDeeperThan(MAX_DEPTH, body))
      done(new ApiError('BAD_JSON', { reason: `it is nested more than ${MAX_DEPTH} levels deep` }));
    // most bodies have no escape, and the search for one is quicker than the pattern
    else if (!body.includes('\\u') || !HALF_ESCAPED.test(body)) parseJson(request, body, done);
    else
      parseJson(request, body, (error, value) => {
        const half = error === null ? halfCharacter('body', value) : undefined;
        if (half === undefined) done(error, value);
        else done(fieldErrors([half]));
      });
  });
  hookOperations(app, 'onSend', (op) => {
    if (op.uploads === undefined) return undefined;
    return ({ upload }, _reply, payload, done) => {
      // what was not read would be in the way of the connection's next request
      upload?.resume();
      done(null, payload);
    };
  });
  app.addContentTypeParser('*', (request, payload: Readable, done) => {
    const problem = compression(request);
    if (problem !== undefined) {
      payload.resume();
      done(problem);
      return;
    }
    const { bodyLimit, config } = request.routeOptions;
    if (config.operation?.uploads?.includes(request.mediaType ?? '')) {
      request.upload = payload;
      done(null, undefined);
      return;
    }
    let bytes = 0;
    let isOver = false;
    const end = (error: Error | null): void => {
      if (isOver) return;
      isOver = true;
      request.hasForeignBody = bytes > 0;
      done(error, undefined);
    };
    payload.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > bodyLimit) end(new ApiError('BODY_TOO_LARGE', { limit: bodyLimit }));
    });
    payload.on('error', () => end(new ApiError('BAD_REQUEST', { reason: 'The body ended too early.' })));
    payload.on('end', () => end(null));
  });
}

/** Refuses a compressed body, which would only look damaged. */
function compression({ headers }: FastifyRequest): ApiError | undefined {
  const { 'content-encoding': encoding = 'identity' } = headers;
  if (/^identity$/i.test(encoding)) return undefined;
  const reason = `The body has the Content-Encoding ${encoding.slice(0, 40)}. Send it without compression.`;
  return new ApiError('BAD_REQUEST', { reason });
}

/** Refuses a body in another charset: read as UTF-8, it would be stored damaged. */
function charset({ headers }: FastifyRequest): ApiError | undefined {
  const type = headers['content-type'] ?? '';
  if (!type.includes(';')) return undefined;
  const [, name = 'utf-8'] = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(type) ?? [];
  if (/^(?:utf-?8|us-ascii)$/i.test(name)) return undefined;
  const reason = `The body has the charset ${name.slice(0, 40)}. Send it as UTF-8.`;
  return new ApiError('BAD_REQUEST', { reason });
}

/** The first text or name that can't be written as UTF-8: LiveKit refuses it, and databases and tokens would change it. */
function halfCharacter(path: string, value: unknown): ErrorDetail | undefined {
  const message = 'contains half a character (a lone surrogate)';
  if (typeof value === 'string') return value.isWellFormed() ? undefined : { path, message };
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    if (!key.isWellFormed()) return { path, message };
    const found = halfCharacter(`${path}.${key}`, inner);
    if (found !== undefined) return found;
  }
  return undefined;
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
