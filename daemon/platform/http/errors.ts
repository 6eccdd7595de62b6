import { STATUS_CODES } from 'node:http';
import path from 'node:path';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isGlobal } from '#shared/access.ts';
import { ApiError } from '#shared/errors.ts';
import { fileError } from '../files/file-errors.ts';

/**
 * Installs the one error shape of the API, for everything that can go wrong on a request.
 * @param dataDir only callers with global scope see where it is; the others see the paths below it
 */
export function installErrorHandling(app: FastifyInstance, dataDir: string): void {
  const below = dataDir.endsWith(path.sep) ? dataDir : dataDir + path.sep;
  app.setErrorHandler((error: FastifyError | ApiError, request, reply) => {
    const refusal = toApiError(error, request);
    // probes ask every few seconds, and the reason has its own line
    if (refusal.status >= 500 && refusal.code !== 'NOT_READY')
      request.log.error(
        { requestId: request.id, err: error, code: refusal.code, cause: causeOf(error) },
        'request failed',
      );
    const { principal } = request;
    const isOperator = principal !== null && principal !== undefined && isGlobal(principal);
    sendError(reply, refusal, isOperator ? (text) => text : (text) => text.replaceAll(below, ''));
  });
  app.setNotFoundHandler((request, reply) => {
    sendError(reply, new ApiError('ROUTE_NOT_FOUND', { method: request.method, path: pathOf(request.url) }));
  });
}

/** The wire form: one superset of what older clients read. */
function sendError(reply: FastifyReply, error: ApiError, shown = (text: string): string => text): FastifyReply {
  reply.errorCode = error.code;
  if (error.headers) reply.headers(error.headers);
  if (error.status === 401) reply.header('www-authenticate', 'Bearer');
  return reply
    .code(error.status)
    .type('application/json; charset=utf-8')
    .serializer(JSON.stringify)
    .send(errorAnswer(error, reply.request.id, shown));
}

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

const pathOf = (url: string): string => url.split('?', 1)[0] ?? url;

function causeOf(error: Error): unknown {
  return error.cause instanceof Error
    ? { name: error.cause.name, message: error.cause.message, stack: error.cause.stack }
    : undefined;
}
