import { STATUS_CODES } from 'node:http';
import path from 'node:path';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { isGlobal } from '#shared/access.ts';
import type { Operation } from '#shared/contract/operation.ts';
import { ApiError, ERRORS, type ErrorDefinition } from '#shared/errors.ts';
import { fileError } from '../files/file-errors.ts';
import { OPEN_TO_ALL } from './any-site.ts';
import { hookOperations } from './hook-operations.ts';
import { requestFields } from './request-log.ts';

/**
 * Installs the one error shape of the API, for everything that can go wrong on a request.
 * @param dataDir only callers with global scope see where it is; the others see the paths below it
 */
export function installErrorHandling(app: FastifyInstance, dataDir: string): void {
  const below = dataDir.endsWith(path.sep) ? dataDir : dataDir + path.sep;
  app.setErrorHandler((error: FastifyError | ApiError, request, reply) => {
    const refusal = toApiError(error, request);
    logRefusal(request, error, refusal);
    // also what was refused before the hooks of its route
    if (request.routeOptions.config.operation?.isForAnySite) reply.headers(OPEN_TO_ALL);
    const { principal } = request;
    const isOperator = principal !== null && principal !== undefined && isGlobal(principal);
    sendError(reply, refusal, isOperator ? (text) => text : (text) => text.replaceAll(below, ''));
  });
  const notFound = ({ method, url }: FastifyRequest) => new ApiError('ROUTE_NOT_FOUND', { method, path: pathOf(url) });
  app.setNotFoundHandler((request) => {
    throw notFound(request);
  });
  // nothing is named by an empty text: a variable of the client was empty, or the address has a slash too many
  hookOperations(app, 'onRequest', ({ params }) =>
    params === undefined
      ? undefined
      : (request, _reply, done) =>
          done(Object.values(request.params as object).includes('') ? (notFound(request) as Error) : undefined),
  );
}

/** What a handler says of the file that it was about to send. A client would save the refusal under its name, or continue it. */
const OF_FILE = ['accept-ranges', 'content-disposition', 'content-length', 'content-range', 'etag'];

/** The wire form: one superset of what older clients read. */
function sendError(reply: FastifyReply, error: ApiError, shown = (text: string): string => text): FastifyReply {
  reply.errorCode = error.code;
  for (const name of OF_FILE) reply.removeHeader(name);
  if (error.headers) reply.headers(error.headers);
  // of every refusal that passes, a client knows when to try again
  if (isPassing(error) && !reply.hasHeader('retry-after')) reply.header('retry-after', '1');
  if (error.status === 401) reply.header('www-authenticate', 'Bearer');
  return reply
    .code(error.status)
    .type('application/json; charset=utf-8')
    .serializer(JSON.stringify)
    .send(errorAnswer(error, reply.request.id, shown));
}

const isPassing = ({ code, status }: ApiError): boolean =>
  (status === 429 || status === 503) && (ERRORS[code] as ErrorDefinition).retryable === true;

/** The one shape of every refusal. */
export function errorAnswer(
  error: ApiError,
  requestId: string,
  shown = (text: string): string => text,
): Record<string, unknown> {
  return {
    statusCode: error.status,
    error: STATUS_CODES[error.status] ?? 'Error',
    code: error.code,
    message: shown(error.message),
    ...(error.hint ? { hint: shown(error.hint) } : {}),
    ...(error.details ? { details: error.details } : {}),
    requestId,
    ...error.extra,
  };
}

function toApiError(error: FastifyError | ApiError, request: FastifyRequest): ApiError {
  if (error instanceof ApiError) return error;
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new ApiError('BODY_TOO_LARGE', { limit: request.routeOptions.bodyLimit ?? 0 });
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new ApiError('BAD_JSON', { reason: 'it cannot be parsed' });
  }
  const refused = fileError(error);
  if (refused !== undefined) return refused;
  if (error.statusCode && error.statusCode >= 400 && error.statusCode < 500) {
    return new ApiError('BAD_REQUEST', { reason: error.message }, { cause: error });
  }
  return new ApiError('INTERNAL', {}, { cause: error });
}

/**
 * One line for each failure, found by the request id of the answer: of the daemon at error, with its stack; a refusal of
 * someone who signed in at info. Changes that were refused have their request line.
 */
function logRefusal(request: FastifyRequest, error: Error, { status, code, message, hint, extra }: ApiError): void {
  const op = request.routeOptions.config.operation;
  // a probe asks every few seconds; the reason has its own line
  if (code === 'NOT_READY') return;
  // the plugin's own error has one, with its stack
  if (code === 'PLUGIN_FAILED') return;
  const fields = { ...requestFields(request), code };
  if (status >= 500) {
    const said = code === 'INTERNAL' && error.message !== '' ? error.message : message;
    const line =
      (ERRORS[code] as ErrorDefinition).isWholeStory || op === undefined ? said : `Could not ${tried(op)}: ${said}`;
    request.log.error({ ...extra, ...fields, hint, operation: op?.id, err: error }, line);
  } else if (op?.method === 'GET' && request.principal && !(request.log as Logger).isLevelEnabled('debug'))
    request.log.info({ ...fields, operation: op.id, status }, `Could not ${tried(op)}: ${message}`);
}

/** What an operation does, inside a sentence. */
const tried = ({ summary }: Operation): string => summary.charAt(0).toLowerCase() + summary.slice(1);

const pathOf = (url: string): string => url.split('?', 1)[0] ?? url;
