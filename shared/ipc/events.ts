import { type Static, Type } from 'typebox';
import { nullable, object } from '../schema/common.ts';
import { call, push } from './channel.ts';
import { ConnectionId } from './connections.ts';
import { ApiPath } from './http.ts';
import { IpcError } from './outcome.ts';

/** A server-sent event: `type` is its name, `data` its parsed JSON (or the text, where it is none). */
export const StreamEvent = object({
  id: nullable(Type.String()),
  type: Type.String(),
  data: Type.Unknown(),
});
export type StreamEvent = Static<typeof StreamEvent>;

/**
 * The main process keeps one stream of `GET /events` for each connection and resumes it with Last-Event-ID after a break.
 * Every window hears all of them; a window that was away asks `since`.
 */
export const events = {
  calls: {
    since: call(
      'Events of a connection after the given id. `complete: false`: too many events were missed; read everything again.',
      object({ connectionId: ConnectionId, after: nullable(Type.String()) }),
      object({ events: Type.Array(StreamEvent), complete: Type.Boolean() }),
    ),
    open: call(
      'Opens another event stream below /api/v1 (a live tail). It is resumed after interruptions until it is closed.',
      object({
        connectionId: ConnectionId,
        path: ApiPath,
        lastEventId: Type.Optional(Type.String({ maxLength: 512 })),
      }),
      object({ streamId: Type.String() }),
    ),
    close: call(
      'Closes a stream. Closing a closed stream is not an error.',
      object({ streamId: Type.String() }),
      Type.Null(),
    ),
  },
  pushes: {
    events: push(
      'Events of a daemon in order, collected over a few milliseconds.',
      object({ connectionId: ConnectionId, events: Type.Array(StreamEvent) }),
    ),
    gap: push(
      'Events were missed and are no longer available: read everything about this connection again.',
      object({ connectionId: ConnectionId }),
    ),
    stream: push(
      'Events of a stream opened with `open`.',
      object({ streamId: Type.String(), events: Type.Array(StreamEvent) }),
    ),
    streamState: push(
      'A stream was opened, was interrupted and will be retried, or ended for good (`closed`).',
      object({
        streamId: Type.String(),
        status: Type.Union([Type.Literal('open'), Type.Literal('waiting'), Type.Literal('closed')]),
        error: nullable(IpcError),
      }),
    ),
  },
};
