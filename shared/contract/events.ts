import { Type } from 'typebox';
import { EventHeaders, EventQuery } from '../schema/events.ts';
import { operation } from './operation.ts';

export const streamEvents = operation({
  id: 'streamEvents',
  method: 'GET',
  path: '/events',
  tag: 'Events',
  summary: 'Everything that happens, as server-sent events',
  description:
    'Each message has `id`, `event` (the type) and `data` (an EventMessage). With `Last-Event-ID` the stream goes on after that event, exactly once and in order; `reset` says that events in between are no longer kept. Only what the caller may see is sent. A comment every 15 s keeps the connection alive; a reader that falls too far behind is cut off and can resume.',
  access: 'bearer',
  share: 'event-stream',
  query: EventQuery,
  headers: EventHeaders,
  responses: { 200: Type.String() },
  errors: ['OVERLOADED'],
  produces: 'text/event-stream',
});
