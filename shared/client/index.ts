/** `@streamhub/client`: the API of a StreamHub daemon for programs, in browsers and Node.js. */

export type { Download, DownloadOptions, Progress } from './download.ts';
export {
  DaemonError,
  type DaemonErrorCode,
  UnreachableError,
  type UnreachableReason,
} from './errors.ts';
export type { EventStream, EventStreamOptions, HubEvent } from './event-stream.ts';
export type { Credential, HttpOptions } from './http.ts';
export { type HubOptions, StreamHub, type WaitOptions } from './hub.ts';
export type { Call, InputOf, ListCall, Methods, OperationId, Result, ResultOf, RowOf } from './methods.ts';
export type * from './models.ts';
export type { Operations } from './operations.ts';
export {
  type CallbackHeaders,
  type CallbackRefusal,
  CallbackRefused,
  type VerifyOptions,
  verifyCallback,
} from './verify-callback.ts';
export type { Answer, CallOptions, RequestTrace } from './wire.ts';
