import { type Static, Type } from 'typebox';
import { Instant, MAX_INTEGER, object, oneOf } from './common.ts';

/**
 * What the event stream can be narrowed to. `nodes`, `plugins` and `system` are seen by callers of global scope only. Of
 * `access`, a user sees changes of the own team, and the events about the own sessions and rights.
 */
export const EVENT_TOPICS = [
  'apps',
  'config',
  'jobs',
  'nodes',
  'rooms',
  'sessions',
  'streams',
  'vods',
  'callbacks',
  'logs',
  'access',
  'plugins',
  'system',
  'alerts',
] as const;
export type EventTopic = (typeof EVENT_TOPICS)[number];

/** Every event that the daemon publishes, with the topic that readers filter by. */
export const EVENT_TYPES = {
  'app.created': 'apps',
  'app.deleted': 'apps',
  'config.changed': 'config',
  'config.reloaded': 'config',
  'config.invalid': 'config',
  'job.queued': 'jobs',
  'job.started': 'jobs',
  'job.progress': 'jobs',
  'job.succeeded': 'jobs',
  'job.waiting': 'jobs',
  'job.failed': 'jobs',
  'job.cancelled': 'jobs',
  'node.joined': 'nodes',
  'node.updated': 'nodes',
  'node.removed': 'nodes',
  'node.alive': 'nodes',
  'node.stale': 'nodes',
  'node.down': 'nodes',
  'node.drain': 'nodes',
  'node.drained': 'nodes',
  'node.stats': 'nodes',
  'cluster.settings': 'nodes',
  'stream.started': 'streams',
  'stream.updated': 'streams',
  'stream.ended': 'streams',
  'stream.hls_started': 'streams',
  'stream.hls_ended': 'streams',
  'room.counts': 'streams',
  'room.changed': 'rooms',
  'room-session.changed': 'sessions',
  'ingress.created': 'streams',
  'ingress.updated': 'streams',
  'ingress.deleted': 'streams',
  'ingress.started': 'streams',
  'ingress.ended': 'streams',
  'recording.starting': 'vods',
  'recording.started': 'vods',
  'recording.uploading': 'vods',
  'recording.ready': 'vods',
  'recording.failed': 'vods',
  'recording.cancelled': 'vods',
  'recording.measured': 'vods',
  'snapshot.taken': 'vods',
  'vod.ready': 'vods',
  'vod.deleted': 'vods',
  'callback.delivered': 'callbacks',
  'callback.failed': 'callbacks',
  'callback.failing': 'callbacks',
  'callback.recovered': 'callbacks',
  'callback.dead': 'callbacks',
  'mqtt.connected': 'callbacks',
  'mqtt.disconnected': 'callbacks',
  'mqtt.delivered': 'callbacks',
  'mqtt.failed': 'callbacks',
  'mqtt.failing': 'callbacks',
  'mqtt.recovered': 'callbacks',
  'mqtt.dead': 'callbacks',
  'latency.high': 'streams',
  'latency.normal': 'streams',
  'log.line': 'logs',
  'token.created': 'access',
  'token.revoked': 'access',
  'session.started': 'access',
  'session.ended': 'access',
  'address-rule.created': 'access',
  'address-rule.deleted': 'access',
  'address-ban.created': 'access',
  'address-ban.lifted': 'access',
  'team.changed': 'access',
  'plugin.installed': 'plugins',
  'plugin.removed': 'plugins',
  'plugin.enabled': 'plugins',
  'plugin.disabled': 'plugins',
  'plugin.reloaded': 'plugins',
  'plugin.state': 'plugins',
  'settings.changed': 'system',
  'backup.changed': 'system',
  'livekit.unknown': 'system',
  'livekit.unconfigured': 'system',
  'livekit.reachable': 'system',
  'livekit.unreachable': 'system',
  'livekit.programs': 'system',
  'incident.opened': 'alerts',
  'incident.updated': 'alerts',
  'incident.closed': 'alerts',
  'alert.notice': 'alerts',
  'alert.changed': 'alerts',
} as const satisfies Record<string, EventTopic>;
export type EventType = keyof typeof EVENT_TYPES;

/** What every event has; `Event` (event-payloads.ts) says what its `data` is for each type. */
export const EventMessage = Type.Object({
  id: Type.Optional(
    Type.Integer({
      description:
        'Increases with every event. Absent for live-only events that aren’t stored (log lines, progress, node stats).',
    }),
  ),
  ts: Instant,
  topic: oneOf(EVENT_TOPICS, { title: 'EventTopic' }),
  type: Type.String({ description: '`<area>.<verb>`.', examples: ['app.created', 'stream.started', 'job.progress'] }),
  app: Type.Optional(Type.String({ description: 'The app of the event.' })),
  actor: Type.Optional(
    Type.Object(
      { id: Type.String(), label: Type.Optional(Type.String()) },
      { title: 'EventActor', description: 'Who caused it.' },
    ),
  ),
  data: Type.Unsafe<object>({ type: 'object', description: 'Depends on the type.' }),
});
export type EventMessage = Static<typeof EventMessage>;

export const EventQuery = object({
  topics: Type.Optional(
    Type.String({
      maxLength: 200,
      description: `Topics to receive, separated by commas: ${EVENT_TOPICS.join(', ')}. Default: all except \`logs\`.`,
      examples: ['apps,streams'],
    }),
  ),
  app: Type.Optional(Type.String({ maxLength: 64, description: 'Only events of this app.' })),
  lastEventId: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: MAX_INTEGER,
      description: 'Same as the Last-Event-ID header, for clients that can’t send it.',
    }),
  ),
});
export type EventQuery = Static<typeof EventQuery>;

/** Other headers are left alone. */
export const EventHeaders = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({ maxLength: 32, description: 'Continue after this event. No event is skipped or repeated.' }),
  ),
});
