import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '#shared/errors.ts';
import { errorAnswer } from './errors.ts';

/** What answers that are made outside of a request's hooks need. */
export interface RefusalParts {
  nextId(): string;
  headers: Readonly<Record<string, string>>;
}

/** Answers a URL that the router can't read; no hook has run for it. */
export const answerBadUrl =
  (parts: RefusalParts) =>
  (error: { code: string }, request: FastifyRequest, reply: FastifyReply): void => {
    const reason =
      error.code === 'FST_ERR_BAD_URL'
        ? 'The path contains a percent sign that is not followed by two hexadecimal digits of UTF-8 text.'
        : 'A part of the path is too long.';
    const [status, headers, body] = answerOf(parts, new ApiError('BAD_REQUEST', { reason }), request.id);
    reply.code(status).headers(headers).serializer(String).send(body);
  };

/** The newest response on each connection. */
const responses = new WeakMap<Socket, ServerResponse>();

/**
 * Answers what is not HTTP that Node.js accepts: too large headers, an incomplete request, broken framing. There is no
 * request yet, so the answer is written to the socket, and the connection ends.
 */
export function answerClientError(parts: RefusalParts) {
  return (error: NodeJS.ErrnoException, socket: Socket): void => {
    const response = responses.get(socket);
    // during another answer, the bytes would become part of it
    const isAnswering = response?.headersSent === true && !response.writableFinished;
    if (error.code !== 'ECONNRESET' && socket.writable && !isAnswering) {
      const [status, headers, body] = answerOf(parts, refusalOf(error));
      const lines = Object.entries({ ...headers, 'content-length': Buffer.byteLength(body), connection: 'close' });
      const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
      socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${body}`);
    }
    socket.destroySoon();
  };
}

/** Refuses what Node.js or Fastify would answer in another shape: no Host, an unknown Expect, a stopping server. */
export function installRefusals(app: FastifyInstance, parts: RefusalParts): void {
  let isClosing = false;
  app.addHook('preClose', async () => {
    isClosing = true;
  });
  app.addHook('onRequest', (request, _reply, done) => {
    if (isClosing) done(new ApiError('SHUTTING_DOWN'));
    else if (request.raw.httpVersion === '1.1' && request.headers.host === undefined)
      done(new ApiError('BAD_REQUEST', { reason: 'The Host header is missing.' }));
    else done();
  });
  app.server.on('request', (request, response) => responses.set(request.socket, response));
  app.server.on('checkExpectation', (_request, response: ServerResponse) => {
    const [status, headers, body] = answerOf(parts, new ApiError('EXPECTATION_FAILED'));
    const more = { 'content-length': Buffer.byteLength(body), connection: 'close' };
    response.writeHead(status, { ...headers, ...more }).end(body);
  });
}

function refusalOf(error: NodeJS.ErrnoException): ApiError {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return new ApiError('HEADERS_TOO_LARGE');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new ApiError('BAD_REQUEST', { reason: 'The chunk extensions of the body are too long.' });
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ApiError('REQUEST_TIMEOUT');
    default:
      return new ApiError('BAD_REQUEST', { reason: 'The request is not valid HTTP.' });
  }
}

function answerOf(
  { headers, nextId }: RefusalParts,
  error: ApiError,
  requestId = nextId(),
): [number, Record<string, string>, string] {
  return [
    error.status,
    { ...headers, 'x-request-id': requestId, 'content-type': 'application/json; charset=utf-8' },
    JSON.stringify(errorAnswer(error, requestId)),
  ];
}
