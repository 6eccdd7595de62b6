import { type Static, Type } from 'typebox';
import { nullable, object, oneOf } from '../schema/common.ts';
import { call, push } from './channel.ts';
import { ConnectionId } from './connections.ts';

/** Request headers that a page may set; the main process adds the credential. */
export const REQUEST_HEADERS = [
  'accept',
  'accept-language',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'prefer',
  'x-request-id',
] as const;

export const ApiPath = Type.String({
  maxLength: 8192,
  pattern: '^/api/v1/[^\\s#\\\\]*$',
  description: 'Path with query, e.g. `/api/v1/apps?limit=50`.',
});

export const HttpAnswer = object({
  status: Type.Integer(),
  /** Names in lower case. */
  headers: Type.Record(Type.String(), Type.String()),
  body: Type.String(),
});
export type HttpAnswer = Static<typeof HttpAnswer>;

export const http = {
  calls: {
    request: call(
      'Sends one request to a daemon with its credential. Every HTTP status is a result; only a request without a response fails. Redirects are not followed.',
      object({
        connectionId: ConnectionId,
        /** Chosen by the page, for `cancel`. */
        requestId: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
        method: oneOf(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const),
        path: ApiPath,
        headers: Type.Optional(Type.Record(Type.String(), Type.String({ maxLength: 8192 }))),
        body: Type.Optional(nullable(Type.String({ maxLength: 8_388_608 }))),
        /** A file as the body instead, at most 33 MiB in base64. */
        file: Type.Optional(Type.String({ maxLength: 46_137_344, pattern: '^[A-Za-z0-9+/]*={0,2}$' })),
        /** 30 s by default. */
        timeoutMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 600_000 })),
      }),
      HttpAnswer,
    ),
    cancel: call(
      'Cancels a running request; it ends with CANCELLED.',
      object({ requestId: Type.String() }),
      Type.Null(),
    ),
    download: call(
      'Saves the response of a GET to a file that the user chooses. Null if they cancel.',
      object({
        connectionId: ConnectionId,
        path: ApiPath,
        suggestedName: Type.String({ minLength: 1, maxLength: 200, pattern: '^[^/\\\\\\x00-\\x1f]+$' }),
      }),
      nullable(object({ file: Type.String(), bytes: Type.Integer() })),
    ),
  },
  pushes: {
    progress: push(
      'Progress of a download in bytes.',
      object({ connectionId: ConnectionId, path: Type.String(), bytes: Type.Integer() }),
    ),
  },
};
