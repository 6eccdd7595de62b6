import { type Static, Type } from 'typebox';
import { AppParams, GivenName, Instant, nullable, object, oneOf, page, paging } from './common.ts';

const INGRESS_TYPES = ['rtmp', 'whip', 'url'] as const;
export type IngressType = (typeof INGRESS_TYPES)[number];

/** As LiveKit names the states of an ingest. */
export const INGRESS_STATUSES = ['inactive', 'buffering', 'publishing', 'error', 'complete'] as const;
export type IngressStatus = (typeof INGRESS_STATUSES)[number];

const measured = (description: string, most = 1_000_000) =>
  nullable(Type.Integer({ minimum: 1, maximum: most }), { description });

/** What comes in; LiveKit tells of the picture about half a second after the start. */
const IngressVideo = object(
  {
    codec: Type.String({ examples: ['H264'] }),
    width: measured('Pixels.'),
    height: measured('Pixels.'),
    framerate: nullable(Type.Number(), { description: 'Frames a second; null: LiveKit doesn’t say (WHIP).' }),
  },
  { title: 'IngressVideo' },
);
export type IngressVideo = Static<typeof IngressVideo>;

const IngressAudio = object(
  {
    codec: Type.String({ examples: ['aac'] }),
    channels: measured('Channels.'),
    sampleRate: measured('Samples a second.'),
  },
  { title: 'IngressAudio' },
);
export type IngressAudio = Static<typeof IngressAudio>;

const VideoLayer = object({
  width: Type.Integer(),
  height: Type.Integer(),
  bitrate: nullable(Type.Integer(), { description: 'Bits a second, as asked for.' }),
});
export type VideoLayer = Static<typeof VideoLayer>;

/** A place where an encoder sends to, or a source that LiveKit fetches, and the room that it plays into. */
export const IngressRow = object(
  {
    id: Type.String({ examples: ['IN_4p5og3occ7xP'] }),
    type: oneOf(INGRESS_TYPES, {
      title: 'IngressType',
      description: '`rtmp` and `whip` wait for an encoder; `url` is fetched by the ingress service.',
    }),
    name: Type.String(),
    room: Type.String({ examples: ['live-stage'] }),
    participant: Type.String({ description: 'Participant identity in the room.' }),
    url: Type.String({
      description: 'Address for the encoder; for type `url` the source without its password.',
      examples: ['rtmp://media.example.com:1935/live'],
    }),
    streamKey: Type.String({
      description:
        'The first characters. The whole key is in the answer to the creation and in `…/key`. Empty for type `url`.',
      examples: ['zKef…'],
    }),
    transcode: Type.Boolean({ description: 'Whether the ingress service transcodes.' }),
    enabled: Type.Boolean({ description: 'False: paused. Encoders are refused, and the key is kept.' }),
    status: oneOf(INGRESS_STATUSES, { title: 'IngressStatus' }),
    error: nullable(Type.String(), { description: 'What went wrong in the last session, with what LiveKit says.' }),
    startedAt: nullable(Instant, { description: 'When the encoder or source last started to send; null: never.' }),
    endedAt: nullable(Instant, { description: 'When it last stopped; null while it sends.' }),
    video: nullable(IngressVideo, { description: 'What comes in, or came in last.' }),
    audio: nullable(IngressAudio, { description: 'What comes in, or came in last.' }),
  },
  { title: 'Ingress' },
);
export type IngressRow = Static<typeof IngressRow>;

export const IngressDetail = object({
  ...IngressRow.properties,
  layers: Type.Array(VideoLayer, {
    description: 'Sizes of the picture that are sent to the room now, largest first. Empty: nothing is sent.',
  }),
});
export type IngressDetail = Static<typeof IngressDetail>;

export const IngressKey = object({
  url: Type.String({ description: 'Address for the encoder.' }),
  streamKey: Type.String({ description: 'Anyone who knows it can publish. For WHIP it is the Bearer token.' }),
});
export type IngressKey = Static<typeof IngressKey>;

export const CreatedIngress = object({
  ...IngressRow.properties,
  streamKey: Type.String({ description: 'The whole key.' }),
  node: nullable(Type.String(), { description: 'Node that a new room was placed on; null: LiveKit chose.' }),
});
export type CreatedIngress = Static<typeof CreatedIngress>;

export const CreateIngressBody = object({
  type: oneOf(INGRESS_TYPES),
  room: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 120,
      pattern: '^[a-zA-Z0-9._-]+$',
      description: 'Default: the app’s prefix; `stage` becomes `<prefix>-stage`.',
      examples: ['stage'],
    }),
  ),
  identity: Type.Optional(
    Type.String({ minLength: 1, maxLength: 120, description: 'Participant identity. Default: `ingest-…`.' }),
  ),
  name: Type.Optional(GivenName(120, { description: 'Display name.', examples: ['Camera 1'] })),
  url: Type.Optional(
    Type.String({
      maxLength: 2048,
      description: 'The source: http, https or srt. Required for type `url`, rejected for the others.',
    }),
  ),
  region: Type.Optional(Type.String({ maxLength: 64, description: 'Region of the source, for placing a new room.' })),
});
export type CreateIngressBody = Static<typeof CreateIngressBody>;

export const UpdateIngressBody = Type.Object(
  {
    enabled: Type.Optional(
      Type.Boolean({ description: 'False pauses the ingest: encoders are cut off and refused, and it keeps its key.' }),
    ),
    name: Type.Optional(
      Type.String({ minLength: 1, maxLength: 120, description: 'Display name.', examples: ['Camera 1'] }),
    ),
  },
  { additionalProperties: false, minProperties: 1 },
);
export type UpdateIngressBody = Static<typeof UpdateIngressBody>;

export const IngressParams = object({
  ...AppParams.properties,
  id: Type.String({ maxLength: 128, description: 'LiveKit’s id of the ingest.' }),
});

export const IngressQuery = object({
  room: Type.Optional(
    Type.String({ maxLength: 256, description: 'Room name, with or without the app’s prefix.', examples: ['stage'] }),
  ),
  ...paging(),
});
export type IngressQuery = Static<typeof IngressQuery>;

export const IngressPage = page(IngressRow);
