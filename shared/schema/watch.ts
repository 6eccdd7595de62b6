import { type Static, Type } from 'typebox';
import { PublishDefaults, VideoCaptureDefaults } from '../delivery/publish-defaults.ts';
import { nullable, object, oneOf } from './common.ts';

export const WatchParams = object({
  app: Type.String({ description: 'Name of the app.', examples: ['live'] }),
  room: Type.String({
    minLength: 1,
    maxLength: 120,
    pattern: '^[a-zA-Z0-9._-]+$',
    description: 'Name of the room; the app’s prefix is added unless it is there.',
    examples: ['live-stage'],
  }),
});

export const WatchQuery = object({
  region: Type.Optional(
    Type.String({ maxLength: 64, description: 'Region of the caller: the address of a node there is preferred.' }),
  ),
});

export const HlsViewerBody = object({
  viewer: Type.String({
    minLength: 16,
    maxLength: 64,
    pattern: '^[A-Za-z0-9_-]+$',
    description: 'Random id that the page made for this playback.',
    examples: ['2b7c1f0e-6a51-4b1c-9d5e-0f6a1c2d3e4f'],
  }),
  gone: Type.Optional(Type.Boolean({ description: 'The page no longer plays it.' })),
});

const Viewers = {
  viewers: nullable(Type.Integer(), {
    description:
      'Participants who only watch, and pages that play the live HLS; null if features.viewer_counter is off. Hidden participants don’t count.',
  }),
  hlsViewers: nullable(Type.Integer(), {
    description: 'Of these, pages that play the live HLS: they are not in LiveKit’s room.',
  }),
};
export const WatchViewers = object(Viewers);
export type WatchViewers = Static<typeof WatchViewers>;

export const WatchView = object({
  app: Type.String(),
  room: Type.String({ description: 'Full name of the room.', examples: ['live-stage'] }),
  title: Type.String({ description: '`player.title` of the config, or the app’s display name.' }),
  accent: nullable(Type.String(), { description: 'Colour for buttons and marks.', examples: ['#1c7ed6'] }),
  logoUrl: nullable(Type.String()),
  features: object({
    viewerCounter: Type.Boolean(),
    chat: Type.Boolean(),
    reactions: Type.Boolean(),
    publicPlayback: Type.Boolean({ description: 'Anyone with the link may watch.' }),
    adaptivePlayer: Type.Boolean({ description: 'The player may change the quality by itself.' }),
  }),
  first: oneOf(['webrtc', 'hls'], { description: 'What to play first, if both are there.' }),
  isLive: Type.Boolean({ description: 'Someone publishes in the room.' }),
  ...Viewers,
  wsUrl: nullable(Type.String(), { description: 'LiveKit’s address; null: the room is not open.' }),
  token: nullable(Type.String(), {
    description:
      'LiveKit access token that may only watch this room, valid for 5 minutes. Null if you sent a token, or if the room is not open yet: ask again later.',
  }),
  hlsUrl: nullable(Type.String(), { description: 'Playlist of the live HLS; null: there is none now.' }),
  publish: nullable(object({ publishDefaults: PublishDefaults, videoCaptureDefaults: VideoCaptureDefaults }), {
    description: 'For livekit-client’s `new Room(…)`, with a token that may publish; null with any other.',
  }),
});
export type WatchView = Static<typeof WatchView>;
