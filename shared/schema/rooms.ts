import { type Static, Type } from 'typebox';
import { PublishDefaults, VideoCaptureDefaults } from '../delivery/publish-defaults.ts';
import { nullable, object } from './common.ts';

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
