import { type Static, Type } from 'typebox';
import { nullable, object } from './common.ts';

const NAME = '^[a-zA-Z0-9._-]+$';

export const JoinTokenBody = object({
  room: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 120,
      pattern: NAME,
      description: 'The app’s prefix unless given; `stage` becomes `<prefix>-stage`.',
      examples: ['stage'],
    }),
  ),
  identity: Type.Optional(
    Type.String({ minLength: 1, maxLength: 120, description: 'Who joins; `anon-<uuid>` unless given.' }),
  ),
  name: Type.Optional(Type.String({ maxLength: 120, description: 'Shown to the others.' })),
  canPublish: Type.Optional(Type.Boolean({ default: true })),
  canSubscribe: Type.Optional(Type.Boolean({ default: true })),
  ttl: Type.Optional(
    Type.String({
      pattern: '^[1-9][0-9]{0,5}(s|m|h|d)$',
      default: '6h',
      description: 'How long the token opens the room: seconds, minutes, hours or days, 30 days at most.',
      examples: ['10m'],
    }),
  ),
  metadata: Type.Optional(Type.String({ maxLength: 2000 })),
  hidden: Type.Optional(Type.Boolean({ description: 'Joins unseen; needs the app’s feature hiddenQc.' })),
  recorder: Type.Optional(Type.Boolean({ description: 'Joins as a recorder.' })),
  audioOnly: Type.Optional(Type.Boolean({ description: 'May publish the microphone only.' })),
  region: Type.Optional(Type.String({ maxLength: 64, description: 'Where the caller is, for placing a new room.' })),
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
  wsUrl: Type.String({ description: 'Where to connect.', examples: ['wss://media.example.com'] }),
  playUrl: Type.String({ description: 'Page that plays the room with this token.' }),
  embedUrl: Type.String({ description: 'The same without any frame, for an iframe.' }),
  iframe: Type.String({ description: 'HTML to paste.' }),
  node: nullable(Type.String(), { description: 'Node that a new room was placed on; null = LiveKit chose.' }),
});
export type JoinToken = Static<typeof JoinToken>;
