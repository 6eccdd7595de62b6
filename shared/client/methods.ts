import type { Download, DownloadOptions } from './download.ts';
import type { DaemonError, UnreachableError } from './errors.ts';
import type { EventStream, EventStreamOptions } from './event-stream.ts';
import type { Operations } from './operations.ts';
import type { Answer, CallOptions, OperationTypes } from './wire.ts';

/** A call on its way: await it for the value. */
export interface Call<T> extends Promise<T> {
  /** Status and headers beside the value. */
  withResponse(): Promise<Answer<T>>;
  /** The error as a value instead of an exception. Other errors, such as an aborted signal, are still thrown. */
  result(): Promise<Result<T>>;
}

export type Result<T> = { ok: true; data: T } | { ok: false; error: DaemonError | UnreachableError };

/** A call of a list: await it for the answer, or iterate over it for every row; further pages are read as you get to them. */
export interface ListCall<T> extends Call<T>, AsyncIterable<RowOf<T>> {}

export type RowOf<T> = T extends readonly (infer R)[] ? R : T extends { data: readonly (infer R)[] } ? R : never;

type Arguments<I, O> = object extends I ? [input?: I, options?: O] : [input: I, options?: O];

type Method<T extends OperationTypes> = T['kind'] extends 'list'
  ? (...args: Arguments<T['input'], CallOptions>) => ListCall<T['result']>
  : T['kind'] extends 'download'
    ? (...args: Arguments<T['input'], DownloadOptions>) => Promise<Download>
    : T['kind'] extends 'events'
      ? (...args: Arguments<T['input'], EventStreamOptions>) => EventStream
      : (...args: Arguments<T['input'], CallOptions>) => Call<T['result']>;

/** One method for each operation of the API, named by its id. */
export type Methods = { readonly [Id in keyof Operations]: Method<Operations[Id]> };

export type OperationId = keyof Operations;
/** What the method of an operation takes. */
export type InputOf<Id extends OperationId> = Operations[Id]['input'];
/** What the method of an operation gives. */
export type ResultOf<Id extends OperationId> = Operations[Id]['result'];
