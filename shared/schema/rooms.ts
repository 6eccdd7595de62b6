import { type Static, Type } from 'typebox';
import { PublishDefaults, VideoCaptureDefaults } from '../delivery/publish-defaults.ts';
import { AppParams, Instant, nullable, object, oneOf, page, paging } from './common.ts';

const NAME = '^[a-zA-Z0-9._-]+$';

export const JoinTokenBody = object({
  room: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 120,
      pattern: NAME,
      description: 'Default: the app’s prefix; `stage` becomes `<prefix>-stage`.',
      examples: ['stage'],
    }),
  ),
  identity: Type.Optional(
    Type.String({ minLength: 1, maxLength: 120, description: 'Identity of the participant. Default: `anon-<uuid>`.' }),
  ),
  name: Type.Optional(Type.String({ maxLength: 120, description: 'Name shown to other participants.' })),
  canPublish: Type.Optional(Type.Boolean({ default: true })),
  canSubscribe: Type.Optional(Type.Boolean({ default: true })),
  ttl: Type.Optional(
    Type.String({
      pattern: '^[1-9][0-9]{0,5}(s|m|h|d)$',
      default: '6h',
      description: 'How long the token is valid: seconds, minutes, hours or days, at most 30 days.',
      examples: ['10m'],
    }),
  ),
  metadata: Type.Optional(Type.String({ maxLength: 2000 })),
  hidden: Type.Optional(
    Type.Boolean({ description: 'Hidden from other participants; needs the app’s feature hiddenQc.' }),
  ),
  recorder: Type.Optional(Type.Boolean({ description: 'Joins as a recorder.' })),
  audioOnly: Type.Optional(Type.Boolean({ description: 'May publish only the microphone.' })),
  region: Type.Optional(
    Type.String({
      maxLength: 64,
      description: 'Region of the caller: for placing a new room, and for the address in `wsUrl` and the pages.',
    }),
  ),
});
export type JoinTokenBody = Static<typeof JoinTokenBody>;

export const JoinToken = object({
  token: Type.String({ description: 'LiveKit access token.' }),
  app: Type.String(),
  room: Type.String(),
  identity: Type.String(),
  hidden: Type.Boolean(),
  audioOnly: Type.Boolean(),
  adaptive: Type.Boolean({ description: 'Publish several qualities (webrtc.adaptive).' }),
  publishDefaults: Type.Object(PublishDefaults.properties, {
    additionalProperties: false,
    description:
      'For livekit-client: `new Room({ publishDefaults, videoCaptureDefaults })` publishes as the config says.',
  }),
  videoCaptureDefaults: Type.Object(VideoCaptureDefaults.properties, {
    additionalProperties: false,
    description: 'The camera picture that the best quality needs.',
  }),
  wsUrl: Type.String({ description: 'Address to connect to.', examples: ['wss://media.example.com'] }),
  publishUrl: nullable(Type.String(), {
    description: 'Page that publishes camera, microphone and screen with this token; null if it may not publish.',
  }),
  playUrl: Type.String({ description: 'Page that plays the room with this token.' }),
  embedUrl: Type.String({ description: 'The same page without navigation, for an iframe.' }),
  iframe: Type.String({ description: 'Embed code (HTML).' }),
  node: nullable(Type.String(), { description: 'Node that a new room was placed on; null: LiveKit chose.' }),
});
export type JoinToken = Static<typeof JoinToken>;

/** Longest metadata and attributes that LiveKit takes, bytes. */
export const MAX_METADATA = 65_536;
/** Longest texts in lists of participants, characters; one participant is told whole. */
export const SHORT_METADATA = 1000;

export const PARTICIPANT_KINDS = ['standard', 'ingress', 'egress', 'sip', 'agent', 'connector', 'bridge'] as const;
export const TRACK_SOURCES = ['unknown', 'camera', 'microphone', 'screen_share', 'screen_share_audio'] as const;
export const PARTICIPANT_STATES = ['joining', 'joined', 'active', 'disconnected'] as const;
export type ParticipantKind = (typeof PARTICIPANT_KINDS)[number];

const measured = (description: string) => nullable(Type.Integer(), { description });

export const RoomTrack = object({
  sid: Type.String({ examples: ['TR_VC5hYx8Sts92cD'] }),
  name: Type.String(),
  type: oneOf(['audio', 'video', 'data']),
  source: oneOf(TRACK_SOURCES, { title: 'TrackSource' }),
  muted: Type.Boolean(),
  codec: nullable(Type.String({ examples: ['VP8'] })),
  width: measured('Pixels of the picture that is published.'),
  height: measured('Pixels.'),
  frameRate: nullable(Type.Number(), {
    description: 'Frames a second. LiveKit tells it only for ingests; null: unknown.',
  }),
  bitrate: measured('Bits a second of all layers, as the publisher announced them; null: unknown.'),
  simulcast: Type.Boolean(),
  encrypted: Type.Boolean({ description: 'End-to-end encrypted.' }),
  layers: Type.Array(
    object({
      quality: oneOf(['low', 'medium', 'high', 'off']),
      width: Type.Integer(),
      height: Type.Integer(),
      bitrate: measured('Bits a second, as announced.'),
    }),
    { description: 'Qualities of the picture, largest first.' },
  ),
});
export type RoomTrack = Static<typeof RoomTrack>;

const ParticipantPermissions = object({
  canSubscribe: Type.Boolean(),
  canPublish: Type.Boolean(),
  canPublishData: Type.Boolean(),
  canPublishSources: Type.Array(oneOf(TRACK_SOURCES), { description: 'Empty: all sources.' }),
  canUpdateMetadata: Type.Boolean({ description: 'May change its own name, metadata and attributes.' }),
  hidden: Type.Boolean(),
  recorder: Type.Boolean(),
});

export const RoomParticipant = object({
  sid: Type.String({ examples: ['PA_KdZmiTAHAZ4n'] }),
  identity: Type.String(),
  name: Type.String(),
  kind: oneOf(PARTICIPANT_KINDS, { title: 'ParticipantKind' }),
  state: oneOf(PARTICIPANT_STATES),
  joinedAt: nullable(Instant),
  publisher: Type.Boolean(),
  region: nullable(Type.String(), { description: 'Region of the LiveKit node, if it has one.' }),
  client: object(
    {
      protocol: measured('Version of the data protocol that the client speaks.'),
      capabilities: Type.Array(Type.String(), { examples: [['packet_trailer']] }),
    },
    { description: 'All that LiveKit tells a server about the client. It doesn’t tell browser or device.' },
  ),
  permissions: ParticipantPermissions,
  metadata: Type.String(),
  attributes: Type.Record(Type.String(), Type.String()),
  cut: Type.Boolean({
    description: `Metadata or attributes are longer than ${SHORT_METADATA} characters and are cut. Read the participant for the whole.`,
  }),
  tracks: Type.Array(RoomTrack),
});
export type RoomParticipant = Static<typeof RoomParticipant>;

export const RoomRow = object(
  {
    app: Type.String({ examples: ['live'] }),
    name: Type.String({ examples: ['live-stage'] }),
    sid: Type.String({ examples: ['RM_qrjd4MxMfDCr'] }),
    startedAt: nullable(Instant),
    participants: Type.Integer({
      description: 'Publishers and viewers. Hidden participants and recorders don’t count.',
    }),
    publishers: Type.Integer(),
    viewers: Type.Integer({ description: 'Participants who only watch, and viewers’ pages that play its live HLS.' }),
    hlsViewers: Type.Integer({ description: 'Of these, pages that play its live HLS.' }),
    maxParticipants: nullable(Type.Integer(), { description: 'Null: no limit.' }),
    emptyTimeoutSeconds: Type.Integer({ description: 'How long the room stays open before anyone joins.' }),
    departureTimeoutSeconds: Type.Integer({ description: 'How long it stays open after the last one left.' }),
    node: nullable(Type.String(), {
      description: 'Node of the cluster, else LiveKit’s id of it. Null: REDIS_URL isn’t LiveKit’s Redis.',
    }),
    region: nullable(Type.String(), { description: 'Region of that node.' }),
    recording: Type.Boolean({ description: 'A recording of the room or of someone in it runs or starts.' }),
  },
  { title: 'Room' },
);
export type RoomRow = Static<typeof RoomRow>;

export const RoomDetail = object({
  ...RoomRow.properties,
  metadata: Type.String(),
  recordings: Type.Array(
    object({
      id: Type.Integer({ description: 'Id of the VOD.' }),
      streamId: nullable(Type.String(), { description: 'Null: the whole room.' }),
      status: oneOf(['starting', 'recording']),
      startedAt: Instant,
    }),
  ),
  canMove: nullable(Type.Boolean(), {
    description:
      'Whether this LiveKit can move and forward participants. Null: not tried yet. LiveKit’s open-source server can’t.',
  }),
  people: page(RoomParticipant),
});
export type RoomDetail = Static<typeof RoomDetail>;

export const RoomQuery = object({
  q: Type.Optional(Type.String({ maxLength: 200, description: 'Part of the room’s name.' })),
  sort: Type.Optional(
    oneOf(['name', 'participants', 'started'], {
      title: 'RoomOrder',
      default: 'name',
      description: '`participants`: the most first. `started`: the newest first.',
    }),
  ),
  ...paging(),
});
export type RoomQuery = Static<typeof RoomQuery>;

export const AllRoomsQuery = object({
  app: Type.Optional(Type.String({ maxLength: 64, description: 'Only rooms of this app.' })),
  ...RoomQuery.properties,
});
export type AllRoomsQuery = Static<typeof AllRoomsQuery>;

export const PeopleQuery = object({
  q: Type.Optional(Type.String({ maxLength: 200, description: 'Part of an identity or name.' })),
  ...paging(1000, 200),
});
export type PeopleQuery = Static<typeof PeopleQuery>;

const room = Type.String({
  maxLength: 256,
  description: 'Name of the room, with or without the app’s prefix.',
  examples: ['live-stage'],
});
const identity = Type.String({ maxLength: 512, description: 'Identity of the participant.' });
export const RoomParams = object({ ...AppParams.properties, room });
export const ParticipantParams = object({ ...RoomParams.properties, identity });
export const TrackParams = object({
  ...ParticipantParams.properties,
  track: Type.String({ maxLength: 128, description: 'Sid of the track.' }),
});

const metadata = Type.String({ maxLength: MAX_METADATA, description: `At most ${MAX_METADATA / 1024} KiB.` });
const roomName = (description: string) =>
  Type.String({ minLength: 1, maxLength: 120, pattern: NAME, description, examples: ['stage'] });
const timeout = (description: string) => Type.Optional(Type.Integer({ minimum: 1, maximum: 604_800, description }));

export const CreateRoomBody = object({
  room: roomName('`stage` becomes `<prefix>-stage`.'),
  emptyTimeoutSeconds: timeout('How long the room stays open before anyone joins. Default: LiveKit’s setting.'),
  departureTimeoutSeconds: timeout('How long it stays open after the last one left. Default: LiveKit’s setting.'),
  maxParticipants: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
  metadata: Type.Optional(metadata),
  playoutDelayMs: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 2000,
      description: 'Time that players wait to smooth playback. Default: `webrtc.playout_delay_ms` of the config.',
    }),
  ),
  region: Type.Optional(Type.String({ maxLength: 64, description: 'A node there is preferred.' })),
});
export type CreateRoomBody = Static<typeof CreateRoomBody>;

export const UpdateRoomBody = object({ metadata });
export type UpdateRoomBody = Static<typeof UpdateRoomBody>;

export const SendDataBody = object({
  data: Type.String({ minLength: 1, maxLength: 15_000, description: 'The message. Clients receive it as UTF-8.' }),
  topic: Type.Optional(Type.String({ maxLength: 200 })),
  to: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 512 }), {
      maxItems: 100,
      description: 'Identities of the receivers. Default: everyone in the room.',
    }),
  ),
  reliable: Type.Optional(
    Type.Boolean({ default: true, description: 'False: sent once, and may be lost or arrive out of order.' }),
  ),
});
export type SendDataBody = Static<typeof SendDataBody>;

const change = (description: string) => Type.Optional(Type.Boolean({ description }));
export const UpdateParticipantBody = Type.Object(
  {
    name: Type.Optional(Type.String({ maxLength: 256 })),
    metadata: Type.Optional(metadata),
    attributes: Type.Optional(
      Type.Record(Type.String({ minLength: 1, maxLength: 256 }), Type.String({ maxLength: MAX_METADATA }), {
        maxProperties: 200,
        description: 'Only those to change. An empty value removes one.',
      }),
    ),
    permissions: Type.Optional(
      object(
        {
          canSubscribe: change('May receive tracks.'),
          canPublish: change('May publish tracks. Without it, its tracks end.'),
          canPublishData: change('May send data messages.'),
          canPublishSources: Type.Optional(
            Type.Array(oneOf(TRACK_SOURCES.slice(1)), { maxItems: 4, description: 'Empty: all sources.' }),
          ),
          canUpdateMetadata: change('May change its own name, metadata and attributes.'),
        },
        {
          description:
            'Only those to change. Whether someone is hidden is decided by the token: LiveKit doesn’t tell those in the room of a change.',
        },
      ),
    ),
  },
  { additionalProperties: false, minProperties: 1 },
);
export type UpdateParticipantBody = Static<typeof UpdateParticipantBody>;

export const MuteBody = object({ muted: Type.Boolean() });
export const OtherRoomBody = object({ room: roomName('The other room. It must be one of the same app.') });

export const WatchToken = object({
  token: Type.String({ description: 'LiveKit access token: hidden, receives only, valid for five minutes to enter.' }),
  wsUrl: Type.String({ description: 'Address to connect to.', examples: ['wss://media.example.com'] }),
  room: Type.String(),
  identity: Type.String(),
});
export type WatchToken = Static<typeof WatchToken>;
