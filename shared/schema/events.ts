import { type Static, Type } from 'typebox';
import { Instant, object, oneOf } from './common.ts';

/**
 * What the event stream can be narrowed to. `nodes`, `access`, `plugins` and `system` are seen by callers of global scope only.
 */
export const EVENT_TOPICS = [
  'apps',
  'config',
  'jobs',
  'nodes',
  'streams',
  'vods',
  'callbacks',
  'logs',
  'access',
  'plugins',
  'system',
] as const;
export type EventTopic = (typeof EVENT_TOPICS)[number];

const plain = (description: string) =>
  Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true, description });

/** The `data:` of each message of `GET /events`; its `event:` is the type, its `id:` the id. */
export const EventMessage = object({
  id: Type.Optional(
    Type.Integer({
      description:
        'Grows with every event; absent for what is shown live and never kept (log lines, progress, node stats).',
    }),
  ),
  ts: Instant,
  topic: oneOf(EVENT_TOPICS),
  type: Type.String({ description: '`<area>.<verb>`.', examples: ['app.created', 'stream.started', 'job.progress'] }),
  app: Type.Optional(Type.String({ description: 'App that it concerns.' })),
  actor: Type.Optional(object({ id: Type.String(), label: Type.Optional(Type.String()) })),
  data: plain('Depends on the type.'),
});
export type EventMessage = Static<typeof EventMessage>;

/**
 * Messages of the stream itself. `hello` opens it. `reset` says that events were lost to this reader (`reason`:
 * `too_old` or `unknown_id`): what it holds must be read anew. `bye` announces the end (`reason`: `shutdown`
 * or `revoked`).
 */
export const STREAM_MESSAGES = ['hello', 'reset', 'bye'] as const;

export const EventQuery = object({
  topics: Type.Optional(
    Type.String({
      maxLength: 200,
      description: `Only these, separated by commas: ${EVENT_TOPICS.join(', ')}. All but \`logs\` unless given.`,
      examples: ['apps,streams'],
    }),
  ),
  app: Type.Optional(Type.String({ maxLength: 64, description: 'Only events of this app.' })),
  lastEventId: Type.Optional(
    Type.Integer({ minimum: 0, description: 'As the header Last-Event-ID, for clients that cannot send it.' }),
  ),
});
export type EventQuery = Static<typeof EventQuery>;

/** Other headers are left alone. */
export const EventHeaders = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({ maxLength: 32, description: 'Go on after this event: nothing is left out or sent twice.' }),
  ),
});
