import { Type } from 'typebox';
import { EventHeaders, EventQuery } from '../schema/events.ts';
import { operation } from './operation.ts';

export const streamEvents = operation({
  id: 'streamEvents',
  method: 'GET',
  path: '/events',
  tag: 'Events',
  summary: 'Stream all events (server-sent events)',
  description:
    'Each message has `id`, `event` (the type) and `data` (an EventMessage). With `Last-Event-ID` the stream continues after that event, exactly once and in order. `reset` means that older events are no longer kept. You receive only the events that you may see. A comment every 15 s keeps the connection open. A client that falls too far behind is disconnected and can resume.',
  access: 'bearer',
  share: 'event-stream',
  query: EventQuery,
  headers: EventHeaders,
  responses: { 200: Type.String() },
  errors: ['OVERLOADED'],
  produces: 'text/event-stream',
});
