import { type EventStreamOptions as FollowOptions, followEvents, StreamRefused } from '../connection/event-stream.ts';
import type { Http } from './http.ts';
import type { Event } from './models.ts';
import { errorOf, requestOf } from './request.ts';
import type { OperationAddress, RequestInput } from './wire.ts';

export interface EventStreamOptions {
  /** Ends the stream. */
  signal?: AbortSignal | undefined;
  /** Continue after this event: its `id`. */
  lastEventId?: string | number | undefined;
  /** The stream was opened; `isResumed` when it continues after an earlier event. */
  onOpen?(isResumed: boolean): void;
  /** The connection broke; the stream is opened again after a wait. */
  onBreak?(error: unknown): void;
}

type Heard<E> = E extends { type: infer T } ? { id: string | null; type: T; message: E } : never;
/**
 * One event; its type says what `message.data` is. Newer daemons may send types that aren’t listed here. `reset` has no
 * message: events before it are no longer kept, so read again what you follow.
 */
export type HubEvent = Heard<Event> | { id: string | null; type: 'reset'; message: undefined };

/** Events in order, each once. The stream is resumed after a break until you leave the loop or abort the signal. */
export interface EventStream extends AsyncIterable<HubEvent> {}

/** Milliseconds: the daemon sends a comment every 15 s. */
const TIMING = { silenceMs: 45_000, backoff: { base: 500, max: 15_000 } };
/** Events about the connection itself. */
const OF_CONNECTION: ReadonlySet<string> = new Set(['hello', 'bye']);

/** Follows the events of an operation that answers with an event stream. */
export function eventStreamOf(
  http: Http,
  op: OperationAddress,
  input: RequestInput = {},
  options: EventStreamOptions = {},
): EventStream {
  return { [Symbol.asyncIterator]: () => read(http, op, input, options) };
}

async function* read(
  http: Http,
  op: OperationAddress,
  input: RequestInput,
  { signal, lastEventId, onOpen, onBreak }: EventStreamOptions,
): AsyncGenerator<HubEvent> {
  const { path } = await requestOf(op, input);
  const left = new AbortController();
  const waiting: HubEvent[] = [];
  let wake = Promise.withResolvers<void>();
  let taken = Promise.withResolvers<void>();
  const follow: FollowOptions = {
    source: () => ({ transport: http, authorization: () => http.authorization() }),
    path,
    lastEventId: lastEventId === undefined ? undefined : String(lastEventId),
    signal: signal ? AbortSignal.any([signal, left.signal]) : left.signal,
    timing: TIMING,
    endsSignedOut: true,
    onOpen: (isResumed) => onOpen?.(isResumed),
    onBreak: (error) => onBreak?.(error),
    onEvent: ({ id, type, data }) => {
      if (OF_CONNECTION.has(type)) return;
      waiting.push({ id, type, message: type === 'reset' ? undefined : data } as HubEvent);
      wake.resolve();
    },
    // a reader that is slow slows the daemon down, so that what waits here stays bounded
    whenRead: () => (waiting.length === 0 ? undefined : taken.promise),
  };
  const ended = followEvents(follow).then(
    () => undefined,
    (error: unknown) => error,
  );
  void ended.then(() => wake.resolve());
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  try {
    for (;;) {
      await wake.promise;
      wake = Promise.withResolvers<void>();
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) yield next;
      taken.resolve();
      taken = Promise.withResolvers<void>();
      if (isOver) break;
    }
  } finally {
    left.abort();
    taken.resolve();
  }
  const error = await ended;
  if (error instanceof StreamRefused) {
    const trace = { method: 'GET', path, at: new Date().toISOString() };
    throw errorOf({ status: error.status, headers: {}, body: error.body }, trace);
  }
  if (error !== undefined) throw error;
  signal?.throwIfAborted();
}
