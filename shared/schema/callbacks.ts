import { type Static, Type } from 'typebox';
import { Instant, nullable, object, oneOf, paging } from './common.ts';

/** Passed on from LiveKit. */
export const LIVEKIT_CALLBACK_EVENTS = [
  'room_started',
  'room_finished',
  'participant_joined',
  'participant_left',
  'track_published',
  'track_unpublished',
  'ingress_started',
  'ingress_ended',
  'egress_started',
  'egress_updated',
  'egress_ended',
] as const;
/** StreamHub's own. */
const OWN_CALLBACK_EVENTS = [
  'stream_started',
  'stream_ended',
  'stream_hls_started',
  'stream_hls_ended',
  'recording_started',
  'recording_ready',
  'recording_failed',
  'recording_cancelled',
  'recording_measured',
  'snapshot_taken',
  'vod_ready',
  'latency_high',
  'latency_normal',
  'test',
] as const;
export const CALLBACK_EVENTS = [...LIVEKIT_CALLBACK_EVENTS, ...OWN_CALLBACK_EVENTS] as const;
export type CallbackEventName = (typeof CALLBACK_EVENTS)[number];
export const isCallbackEvent = (name: string): name is CallbackEventName =>
  (CALLBACK_EVENTS as readonly string[]).includes(name);

/** Where events go: to the callback URL, or to the broker. Each has its own list of deliveries. */
export const RECEIVERS = ['callback', 'mqtt'] as const;
export type Receiver = (typeof RECEIVERS)[number];

/** What is posted to the app's callback URL, and published over MQTT. */
export const CallbackMessage = object({
  id: Type.String({ description: 'Id of the delivery, the same on every attempt; also in X-StreamHub-Delivery.' }),
  seq: Type.Integer({
    description:
      'Increases by one per app. A gap means an event that was given up. After a restore, and in a new app of the same name, numbers repeat: only `id` identifies duplicates.',
  }),
  event: oneOf(CALLBACK_EVENTS, { title: 'CallbackEvent' }),
  app: Type.String(),
  room: nullable(Type.String()),
  ts: Instant,
  timestamp: Instant,
  data: Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true }),
});
export type CallbackMessage = Static<typeof CallbackMessage>;

const DELIVERY_STATES = ['pending', 'delivered', 'dead'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

export const Delivery = object({
  id: Type.String(),
  seq: Type.Integer(),
  event: Type.String(),
  room: nullable(Type.String()),
  state: oneOf(DELIVERY_STATES, {
    title: 'DeliveryState',
    description: '`dead`: no more attempts; you can send it again.',
  }),
  attempts: Type.Integer(),
  createdAt: Instant,
  lastAttemptAt: nullable(Instant),
  nextAttemptAt: nullable(Instant),
  deliveredAt: nullable(Instant),
  lastStatus: nullable(Type.Integer(), { description: 'HTTP status of the last attempt.' }),
  lastError: nullable(Type.String(), { description: 'Why the last attempt failed.' }),
});
export type Delivery = Static<typeof Delivery>;

export const DeliveryDetail = object({
  ...Delivery.properties,
  message: CallbackMessage,
});
export type DeliveryDetail = Static<typeof DeliveryDetail>;

export const CallbackState = object({
  url: Type.String({ description: 'Empty: callbacks are off.' }),
  signed: Type.Boolean({ description: 'A secret is set.' }),
  pending: Type.Integer(),
  dead: Type.Integer(),
  delivered24h: Type.Integer(),
  lastDeliveredAt: nullable(Instant),
  failingSince: nullable(Instant, {
    description:
      'Null while the receiver responds, and after it was changed, turned off or everything waiting was skipped.',
  }),
  nextAttemptAt: nullable(Instant),
  lastError: nullable(Type.String()),
});
export type CallbackState = Static<typeof CallbackState>;

const receiver = Type.Optional(
  oneOf(RECEIVERS, {
    title: 'Receiver',
    default: 'callback',
    description: 'Whose deliveries: of the callback URL, or of the MQTT broker.',
  }),
);
export const ReceiverQuery = object({ receiver });
export type ReceiverQuery = Static<typeof ReceiverQuery>;

export const DeliveryQuery = object({
  receiver,
  state: Type.Optional(oneOf(DELIVERY_STATES)),
  event: Type.Optional(oneOf(CALLBACK_EVENTS)),
  ...paging(),
});
export type DeliveryQuery = Static<typeof DeliveryQuery>;

export const DeliveryParams = object({
  app: Type.String({ description: 'Name of the app.', examples: ['live'] }),
  id: Type.String({ maxLength: 64 }),
});

export const SkipBody = object({
  untilSeq: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'Skip all waiting deliveries up to this `seq`.',
    }),
  ),
  untilTime: Type.Optional(Type.String({ format: 'date-time', description: 'Skip all deliveries created before.' })),
});
export type SkipBody = Static<typeof SkipBody>;

export const Skipped = object({ skipped: Type.Integer() });
export type Skipped = Static<typeof Skipped>;

export const Redelivered = object({ redelivered: Type.Integer() });
export type Redelivered = Static<typeof Redelivered>;
