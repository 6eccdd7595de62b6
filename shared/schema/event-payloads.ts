import { type Static, type TProperties, type TSchema, Type } from 'typebox';
import { AlertRule } from './alerts.ts';
import { ClusterNode, ClusterSettings } from './cluster.ts';
import { Instant, nullable, oneOf } from './common.ts';
import { CHANGE_REASONS } from './config.ts';
import { EventMessage, type EventType } from './events.ts';
import { IngressRow } from './ingress.ts';
import { Job } from './jobs.ts';
import { ManagedProgram } from './livekit.ts';
import { LogRow } from './logs.ts';
import { PluginView } from './plugins.ts';
import { IpBan, IpRule } from './security.ts';
import { StreamHls, StreamRow } from './streams.ts';
import { TokenRecord } from './tokens.ts';
import { VodRow } from './vods.ts';

/** `data` of some types of events. Receivers must accept more fields: later versions may add some. */
const payload = <P extends TProperties>(name: string, properties: P) =>
  Type.Object(properties, { title: `${name}EventData` });

const Id = Type.Integer();
const Name = Type.String();
const Room = Type.String({ description: 'Full name of the room.' });
const Keys = (description: string) => Type.Array(Type.String(), { description });
const optionalText = (description: string) => Type.Optional(Type.String({ description }));

const AppCreated = payload('AppCreated', {
  id: Id,
  name: Name,
  displayName: Type.String(),
  roomPrefix: Type.String(),
});
const AppDeleted = payload('AppDeleted', { id: Id, name: Name });

const ConfigActive = payload('ConfigActive', {
  reason: oneOf([...CHANGE_REASONS, 'reload'], { description: 'How it changed.' }),
  detail: optionalText('The preset, or the backup that was restored.'),
  changed: Keys('Dotted keys whose values changed.'),
  takesEffect: Type.Object(
    {
      hot: Keys('Active now.'),
      reopen: Keys('Active when what uses them is opened again.'),
      next: Keys('Active for what begins from now on.'),
    },
    { description: 'The changed keys by when they take effect.' },
  ),
  etag: nullable(Type.String(), { description: 'ETag of the file; null: there is none.' }),
});
const ConfigInvalid = payload('ConfigInvalid', {
  reason: Type.String({ description: 'What is wrong with the file. The last valid config stays active.' }),
});

const JobChanged = payload('Job', { job: Job });

const { stats: _stats, ...nodeFields } = ClusterNode.properties;
const NodeChanged = payload('Node', nodeFields);
const NodeRemoved = payload('NodeRemoved', { id: Type.String(), name: Name });
const NodeStats = payload('NodeStats', {
  reports: Type.Integer({ description: 'Number of reports from nodes since the last such event.' }),
});
const ClusterSettingsChanged = payload('ClusterSettings', ClusterSettings.properties);

const { id: streamRow, streamId, type: streamType, participant, startedAt, endedAt } = StreamRow.properties;
const streamFields = { id: streamRow, streamId, type: streamType, room: Room, participant, startedAt, endedAt };
const StreamChanged = payload('Stream', streamFields);
const StreamHlsChanged = payload('StreamHls', {
  ...streamFields,
  hls: Type.Object({
    state: StreamHls.properties.state,
    url: nullable(Type.String(), { description: 'Master playlist; null without a public address.' }),
    heights: Type.Array(Type.Integer(), { description: 'Heights of the qualities in pixels.' }),
    startedAt: Instant,
    endedAt: nullable(Instant),
    error: optionalText('Why it failed, or why a quality is missing.'),
  }),
});
const { participants, publishers, viewers } = StreamRow.properties;
const RoomCounts = payload('RoomCounts', { room: Room, participants, publishers, viewers });
const RoomChanged = payload('Room', { room: Room });
const RoomSessionChanged = payload('RoomSession', {
  room: nullable(Room, { description: 'Null: sessions of several rooms.' }),
});

const IngressId = IngressRow.properties.id;
const IngressCreated = payload('IngressCreated', {
  id: IngressId,
  name: Name,
  type: IngressRow.properties.type,
  room: Room,
  transcode: IngressRow.properties.transcode,
});
const IngressUpdated = payload('IngressUpdated', {
  id: IngressId,
  name: Name,
  room: Room,
  enabled: IngressRow.properties.enabled,
});
const IngressDeleted = payload('IngressDeleted', { id: IngressId, name: Name, room: Room });
const IngressSession = payload('IngressSession', {
  id: IngressId,
  type: oneOf(['rtmp', 'whip', 'rtsp'], { description: '`rtsp`: a source that is fetched.' }),
  room: Room,
  participant: IngressRow.properties.participant,
  transcode: IngressRow.properties.transcode,
  reason: Type.Optional(
    oneOf(['stopped', 'error', 'taken_over', 'deleted', 'paused', 'lost'], {
      description: 'Why it ended. `lost`: LiveKit doesn’t say how it ended.',
    }),
  ),
  error: optionalText('What went wrong, in words.'),
});

const vod = VodRow.properties;
const VodChanged = payload('Vod', {
  id: vod.id,
  room: Room,
  streamId: vod.streamId,
  participant: nullable(Type.String(), { description: 'Identity of the person recorded; null for a whole room.' }),
  name: vod.name,
  status: vod.status,
  fileKey: vod.fileKey,
  provider: nullable(Type.String(), { description: 'Storage that holds the file.' }),
  url: nullable(Type.String(), { description: 'Public link; null if there is none, or the VOD isn’t ready.' }),
  bytes: nullable(Type.Integer()),
  seconds: nullable(Type.Number()),
  sessionId: nullable(Type.String(), { description: 'Recordings of one publisher that belong together.' }),
  part: nullable(Type.Integer(), { description: 'Number of the part in them.' }),
  startedAt: Instant,
  endedAt: nullable(Instant),
  error: optionalText('Why it failed.'),
  hls: Type.Optional(
    Type.Object(
      { fileKey: Type.String(), url: nullable(Type.String()) },
      { description: 'Master playlist of its qualities.' },
    ),
  ),
  snapshots: Type.Optional(Type.Object({ count: Type.Integer(), prefix: nullable(Type.String()) })),
});
const VodDeleted = payload('VodDeleted', {
  id: vod.id,
  room: Room,
  name: vod.name,
  left: optionalText('Address of the object in an earlier bucket, which was not deleted.'),
  objectsLeft: Type.Optional(Type.Boolean({ description: 'Its objects were left in the bucket, as asked.' })),
});

const delivery = {
  id: Type.String({ description: 'Id of the delivery.' }),
  seq: Type.Integer(),
  event: Type.String({ description: 'Name of the callback event.' }),
};
const failure = Type.String({ description: 'Why it failed.' });
const Delivered = payload('Delivered', delivery);
const DeliveryFailed = payload('DeliveryFailed', { ...delivery, error: failure });
const ReceiverFailing = payload('ReceiverFailing', { event: delivery.event, error: failure });
const ReceiverRecovered = payload('ReceiverRecovered', {
  since: nullable(Instant, {
    description:
      'When the receiver began to fail. It works again, was changed or turned off, or everything waiting was skipped.',
  }),
});
const DeadLetters = payload('DeadLetters', {
  id: Type.Optional(delivery.id),
  seq: Type.Optional(delivery.seq),
  event: Type.Optional(delivery.event),
  error: Type.Optional(failure),
  count: Type.Optional(Type.Integer({ description: 'Number of deliveries, if it is about several.' })),
});
const MqttConnected = payload('MqttConnected', {});
const MqttDisconnected = payload('MqttDisconnected', { error: nullable(Type.String()) });

const Latency = payload('Latency', {
  streamId: nullable(Type.String(), { description: 'Null: it is about a node.' }),
  room: nullable(Room),
  node: nullable(Type.String(), { description: 'Null: it is about a stream.' }),
  delayMs: nullable(Type.Number(), { description: 'Null: it is over.' }),
  thresholdMs: nullable(Type.Number(), { description: 'Null: it is over.' }),
});

const LogLine = payload('LogLine', LogRow.properties);

const TokenRevoked = payload('TokenRevoked', { id: Id, name: Name, scope: TokenRecord.properties.scope });
const TokenCreated = payload('TokenCreated', {
  ...TokenRevoked.properties,
  appId: nullable(Type.Integer(), { description: 'Null for a global token.' }),
});
const SignIn = payload('SignIn', { sessionId: Type.String(), userId: Type.String() });
const AddressRule = payload('AddressRule', { id: Id, cidr: IpRule.properties.cidr, action: IpRule.properties.action });
const BanLifted = payload('BanLifted', { id: Id, address: IpBan.properties.ip });
const BanCreated = payload('BanCreated', {
  ...BanLifted.properties,
  kind: IpBan.properties.kind,
  expiresAt: IpBan.properties.expiresAt,
});
const TeamChanged = payload('Team', { tenant: Type.String({ description: 'Id of the team.' }) });

const PluginId = PluginView.properties.id;
const PluginSwitched = payload('PluginSwitched', { id: PluginId });
const PluginRemoved = payload('PluginRemoved', { id: PluginId, version: PluginView.properties.version });
const PluginInstalled = payload('PluginInstalled', {
  ...PluginRemoved.properties,
  replaced: Type.Optional(nullable(Type.String(), { description: 'Version that was installed before.' })),
});
const PluginsReloaded = payload('PluginsReloaded', {
  plugins: Type.Integer({ description: 'Number of plugins found.' }),
});
const PluginStateChanged = payload('PluginState', {
  id: PluginId,
  state: PluginView.properties.state,
  reason: nullable(Type.String()),
});

const SettingsChanged = payload('Settings', { names: Keys('Names of the settings.') });
const BackupChanged = payload('Backup', {});
const LiveKitState = payload('LiveKit', { reason: nullable(Type.String(), { description: 'Why, if it fails.' }) });
const LiveKitPrograms = payload('LiveKitPrograms', {
  programs: Type.Optional(
    Type.Array(Type.Object({ program: ManagedProgram.properties.program, state: ManagedProgram.properties.state }), {
      description: 'Absent: their settings changed.',
    }),
  ),
});

const { condition, severity } = AlertRule.properties;
const Incident = payload('Incident', {
  id: Id,
  condition,
  severity,
  text: Type.String(),
});
const AlertNotice = payload('AlertNotice', {
  kind: oneOf(['opened', 'worse', 'closed', 'acknowledged', 'summary', 'test']),
  severity,
  title: Type.String(),
  lines: Type.Array(Type.String()),
  url: Type.String({ description: 'Page of the console.' }),
  incident: Type.Optional(Type.Integer({ description: 'Id of the incident, if it is about one.' })),
});
const AlertChanged = payload('Alert', { id: Type.Union([Type.Integer(), Type.String()]) });

/** What `data` is, for every type. The publisher's code is checked against it; nothing is checked while the daemon runs. */
export const EVENT_PAYLOADS = {
  'app.created': AppCreated,
  'app.deleted': AppDeleted,
  'config.changed': ConfigActive,
  'config.reloaded': ConfigActive,
  'config.invalid': ConfigInvalid,
  'job.queued': JobChanged,
  'job.started': JobChanged,
  'job.progress': JobChanged,
  'job.succeeded': JobChanged,
  'job.waiting': JobChanged,
  'job.failed': JobChanged,
  'job.cancelled': JobChanged,
  'node.joined': NodeChanged,
  'node.updated': NodeChanged,
  'node.removed': NodeRemoved,
  'node.alive': NodeChanged,
  'node.stale': NodeChanged,
  'node.down': NodeChanged,
  'node.drain': NodeChanged,
  'node.drained': NodeChanged,
  'node.stats': NodeStats,
  'cluster.settings': ClusterSettingsChanged,
  'stream.started': StreamChanged,
  'stream.updated': StreamChanged,
  'stream.ended': StreamChanged,
  'stream.hls_started': StreamHlsChanged,
  'stream.hls_ended': StreamHlsChanged,
  'room.counts': RoomCounts,
  'room.changed': RoomChanged,
  'room-session.changed': RoomSessionChanged,
  'ingress.created': IngressCreated,
  'ingress.updated': IngressUpdated,
  'ingress.deleted': IngressDeleted,
  'ingress.started': IngressSession,
  'ingress.ended': IngressSession,
  'recording.starting': VodChanged,
  'recording.started': VodChanged,
  'recording.uploading': VodChanged,
  'recording.ready': VodChanged,
  'recording.failed': VodChanged,
  'recording.cancelled': VodChanged,
  'recording.measured': VodChanged,
  'snapshot.taken': VodChanged,
  'vod.ready': VodChanged,
  'vod.deleted': VodDeleted,
  'callback.delivered': Delivered,
  'callback.failed': DeliveryFailed,
  'callback.failing': ReceiverFailing,
  'callback.recovered': ReceiverRecovered,
  'callback.dead': DeadLetters,
  'mqtt.connected': MqttConnected,
  'mqtt.disconnected': MqttDisconnected,
  'mqtt.delivered': Delivered,
  'mqtt.failed': DeliveryFailed,
  'mqtt.failing': ReceiverFailing,
  'mqtt.recovered': ReceiverRecovered,
  'mqtt.dead': DeadLetters,
  'latency.high': Latency,
  'latency.normal': Latency,
  'log.line': LogLine,
  'token.created': TokenCreated,
  'token.revoked': TokenRevoked,
  'session.started': SignIn,
  'session.ended': SignIn,
  'address-rule.created': AddressRule,
  'address-rule.deleted': AddressRule,
  'address-ban.created': BanCreated,
  'address-ban.lifted': BanLifted,
  'team.changed': TeamChanged,
  'plugin.installed': PluginInstalled,
  'plugin.removed': PluginRemoved,
  'plugin.enabled': PluginSwitched,
  'plugin.disabled': PluginSwitched,
  'plugin.reloaded': PluginsReloaded,
  'plugin.state': PluginStateChanged,
  'settings.changed': SettingsChanged,
  'backup.changed': BackupChanged,
  'livekit.unknown': LiveKitState,
  'livekit.unconfigured': LiveKitState,
  'livekit.reachable': LiveKitState,
  'livekit.unreachable': LiveKitState,
  'livekit.programs': LiveKitPrograms,
  'incident.opened': Incident,
  'incident.updated': Incident,
  'incident.closed': Incident,
  'alert.notice': AlertNotice,
  'alert.changed': AlertChanged,
} as const satisfies Record<EventType, TSchema>;

type Payloads = typeof EVENT_PAYLOADS;
/** `data` of an event of the type. */
export type EventData<T extends EventType> = Static<Payloads[T]>;
/** An event of the type, as readers of the stream get it. */
export type Event<T extends EventType = EventType> = T extends EventType
  ? Omit<EventMessage, 'type' | 'data'> & { type: T; data: EventData<T> }
  : never;

/** The types that have the same `data`, with its name and schema. */
export function eventKinds(): {
  name: string;
  types: EventType[];
  data: (typeof EVENT_PAYLOADS)[EventType];
}[] {
  const byPayload = Map.groupBy(Object.keys(EVENT_PAYLOADS) as EventType[], (type) => EVENT_PAYLOADS[type]);
  return [...byPayload].map(([data, types]) => ({
    name: (data as unknown as { title: string }).title.replace(/Data$/, ''),
    types,
    data,
  }));
}

const kinds = eventKinds();
/** The `data:` of each message of `GET /events`; its `event:` is the type, its `id:` the id. */
export const Event = Type.Unsafe<Event>({
  title: 'Event',
  description: 'Later versions may add fields and types: pass over those that you don’t know.',
  oneOf: kinds.map(({ name, types, data }) =>
    Type.Object({ ...EventMessage.properties, type: oneOf(types), data }, { title: name }),
  ),
  discriminator: {
    propertyName: 'type',
    mapping: Object.fromEntries(
      kinds.flatMap(({ name, types }) => types.map((type) => [type, `#/components/schemas/${name}`])),
    ),
  },
});
