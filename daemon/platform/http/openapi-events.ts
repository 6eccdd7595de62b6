import { CALLBACK_EVENTS, CallbackMessage } from '#shared/schema/callbacks.ts';
import { EVENT_PAYLOADS, Event } from '#shared/schema/event-payloads.ts';
import { EVENT_TYPES, type EventType } from '#shared/schema/events.ts';
import type { Components } from './openapi-components.ts';
import { exampleOf } from './openapi-examples.ts';

type Json = Record<string, unknown>;

/** The stream of events: each `data:` is an Event; `x-event-types` lists the types with their topics and payloads. */
export const eventStream = (components: Components): Json => ({
  schema: {
    type: 'string',
    description: 'Messages of server-sent events. The `data` of each is an Event, as JSON.',
    contentMediaType: 'application/json',
    contentSchema: components.refer(Event),
  },
  example:
    'id: 42\nevent: app.created\ndata: {"id":42,"ts":"2026-06-30T12:00:00.000Z","topic":"apps","type":"app.created","app":"live","data":{"id":1,"name":"live","displayName":"Live","roomPrefix":"live"}}\n\n',
  'x-event-types': Object.fromEntries(
    (Object.keys(EVENT_TYPES) as EventType[]).map((type) => [
      type,
      { topic: EVENT_TYPES[type], data: components.refer(EVENT_PAYLOADS[type]) },
    ]),
  ),
});

const header = (name: string, description: string, example: string, required = true): Json => ({
  name,
  in: 'header',
  required,
  description,
  schema: { type: 'string' },
  example,
});

const CALLBACK_HEADERS: readonly Json[] = [
  header('X-StreamHub-Event', 'The event.', 'stream_started'),
  header(
    'X-StreamHub-Delivery',
    'Id of the delivery, the same on every attempt.',
    '4b2f0c2e-1a3d-4c5e-8f9a-0b1c2d3e4f5a',
  ),
  header('X-StreamHub-Timestamp', 'Time of the event.', '2026-06-30T12:00:00.000Z'),
  header(
    'X-StreamHub-Signature',
    '`sha256=` and the HMAC-SHA256 of the raw body in hex, with the app’s callback secret. Absent if the app has none.',
    `sha256=${'0123456789abcdef'.repeat(4)}`,
    false,
  ),
  header(
    'X-StreamHub-Signature-V2',
    '`t=` and the Unix seconds of this attempt, `,v1=` and the HMAC-SHA256 of `t`, a dot and the raw body in hex. Absent if the app has no secret.',
    `t=1782820800,v1=${'0123456789abcdef'.repeat(4)}`,
    false,
  ),
];

/** What the daemon posts to the `callbacks.url` of an app. */
export function webhooks(components: Components): Record<string, Json> {
  const schema = components.refer(CallbackMessage);
  const example = exampleOf(CallbackMessage) as Json;
  return Object.fromEntries(
    CALLBACK_EVENTS.map((event) => [
      event,
      {
        post: {
          operationId: `on_${event}`,
          tags: ['Callbacks'],
          summary: `The event ${event} of an app`,
          description:
            'Posted to the app’s `callbacks.url`, in order, until your server answers with a status from 200 to 299.',
          security: [],
          parameters: CALLBACK_HEADERS,
          requestBody: {
            required: true,
            content: { 'application/json': { schema, example: { ...example, event } } },
          },
          responses: {
            '200': { description: 'Delivered. Every status from 200 to 299 counts.' },
            '410': { description: 'Every other status below 500 fails, except those that are retried.' },
            '503': { description: 'Tried again later, as after 408, 429 and a network error.' },
          },
        },
      },
    ]),
  );
}
