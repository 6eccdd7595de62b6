import { type Static, Type } from 'typebox';
import { Instant, nullable, object, oneOf } from './common.ts';

/** How a client's media reaches LiveKit: directly, or through a TURN server by UDP, TCP or TLS. */
const ICE_PATHS = ['udp', 'tcp', 'turn-udp', 'turn-tcp', 'turn-tls'] as const;
export type IcePath = (typeof ICE_PATHS)[number];

/** Seconds between two samples of a client. */
export const SAMPLE_SECONDS = 10;
/** Samples in one report: a client that could not send keeps a minute. */
const SAMPLES_MAX = 6;

const optional = (minimum: number, maximum: number, description: string) =>
  Type.Optional(Type.Number({ minimum, maximum, description }));

const Direction = object(
  {
    bps: Type.Number({ minimum: 0, maximum: 1e10, description: 'Bits a second.' }),
    lossPercent: optional(0, 100, 'Lost packets.'),
    jitterMs: optional(0, 60_000, 'The largest of the tracks.'),
    width: optional(0, 16_384, 'Of the largest picture, pixels.'),
    height: optional(0, 16_384, 'Of the largest picture, pixels.'),
    fps: optional(0, 1000, 'Frames a second of the largest picture.'),
    codec: Type.Optional(Type.String({ maxLength: 20, pattern: '^[A-Za-z0-9._-]*$', examples: ['VP8'] })),
    freezes: optional(0, 1000, 'How often a picture froze since the last sample.'),
    freezeSeconds: optional(0, 60, 'How long pictures were frozen since the last sample.'),
  },
  { title: 'MediaQuality' },
);
export type TelemetryDirection = Static<typeof Direction>;

const FIGURES = {
  rttMs: optional(0, 600_000, 'Round trip to LiveKit.'),
  ice: Type.Optional(oneOf(ICE_PATHS, { title: 'IcePath', description: 'How media reaches LiveKit.' })),
  up: Type.Optional(Direction),
  down: Type.Optional(Direction),
};

export const TelemetryBody = object({
  participantSid: Type.String({
    pattern: '^PA_[A-Za-z0-9]{1,60}$',
    description: 'LiveKit’s id of the connection: `room.localParticipant.sid`.',
  }),
  samples: Type.Array(
    object({
      secondsAgo: Type.Number({
        minimum: 0,
        maximum: 120,
        description: 'Age of the sample: clocks of clients differ.',
      }),
      ...FIGURES,
    }),
    { minItems: 1, maxItems: SAMPLES_MAX },
  ),
});
export type TelemetryBody = Static<typeof TelemetryBody>;

export const TelemetryAnswer = object({
  nextSeconds: nullable(Type.Integer(), { description: 'When to send the next report; null: the app keeps none.' }),
});
export type TelemetryAnswer = Static<typeof TelemetryAnswer>;

/** What a client measured at one time. */
export const QualitySample = object({ at: Instant, ...FIGURES });
export type QualitySample = Static<typeof QualitySample>;

export const QualityFinding = object({
  measure: oneOf(['loss', 'rtt', 'jitter', 'freezes', 'frame-rate']),
  direction: nullable(oneOf(['up', 'down']), { description: '`up`: what the client sends. Null where it is both.' }),
  from: Instant,
  to: Instant,
  worst: Type.Number({ description: 'Percent, milliseconds, or frames a second.' }),
  text: Type.String({ examples: ['3 % loss upstream, on TCP through TURN'] }),
});
export type QualityFinding = Static<typeof QualityFinding>;

export const StayQuality = object({
  stay: Type.String({ description: 'LiveKit’s id of the connection.' }),
  identity: nullable(Type.String()),
  findings: Type.Array(QualityFinding, { description: 'What was wrong, in order of time.' }),
  samples: Type.Array(QualitySample, { description: 'Oldest first, at most 1,000: of a long connection every n-th.' }),
});
export type StayQuality = Static<typeof StayQuality>;

/** Samples of one connection that are answered. */
export const QUALITY_SAMPLES_MAX = 1000;
/** Connections of a session that are looked through for findings. */
export const QUALITY_STAYS_MAX = 200;

export const SessionQuality = object({
  measured: Type.Integer({ description: 'Connections with samples.' }),
  stays: Type.Array(
    object({ stay: Type.String(), identity: nullable(Type.String()), findings: Type.Array(QualityFinding) }),
    { description: 'Connections with findings, at most 200 connections are looked through.' },
  ),
});
export type SessionQuality = Static<typeof SessionQuality>;

export const StayQualityParams = object({
  app: Type.String({ description: 'Name of the app.', examples: ['live'] }),
  id: Type.String({ maxLength: 128, description: '`id` or `roomSid` of the session.' }),
  stay: Type.String({ maxLength: 128, description: '`sid` of the connection.' }),
});
