import { type Static, Type } from 'typebox';
import { Instant, nullable, object, oneOf, paging } from './common.ts';

const STREAM_TYPES = ['webrtc', 'rtmp', 'rtsp', 'whip', 'ws-mjpeg'] as const;
export type StreamType = (typeof STREAM_TYPES)[number];

/** Live HLS of a stream. */
export const StreamHls = object({
  state: oneOf(['starting', 'live', 'ended', 'failed'], {
    title: 'StreamHlsState',
    description: '`starting`: nothing to watch yet.',
  }),
  url: nullable(Type.String(), {
    description:
      'Master playlist, while it is live: at the CDN or the bucket’s public URL, else a signed link that works for a day.',
  }),
  delaySeconds: nullable(Type.Number(), {
    description:
      'How far viewers are behind: the age of the newest segment, from its program date time, and the three segments that players keep.',
  }),
  rungs: Type.Array(
    object({
      width: Type.Integer(),
      height: Type.Integer(),
      bitrateKbps: Type.Integer(),
      state: oneOf(['starting', 'running', 'ended', 'failed'], { description: 'Of its encoder.' }),
    }),
    { description: 'Qualities, best first. None is larger than what the publisher sends.' },
  ),
  automatic: Type.Boolean({ description: 'It began with the stream (`hls.auto`).' }),
  startedAt: Instant,
  endedAt: nullable(Instant),
  error: nullable(Type.String(), { description: 'Why it failed, or why a quality is missing.' }),
});
export type StreamHls = Static<typeof StreamHls>;

/** One publisher, from the first track to the last. */
export const StreamRow = object(
  {
    id: Type.Integer(),
    appId: Type.Integer(),
    streamId: Type.String({
      description: 'LiveKit’s participant sid, with `-2`, `-3` … if the same session stopped and published again.',
      examples: ['PA_8fK2mQvTzXcL'],
    }),
    type: oneOf(STREAM_TYPES, { title: 'StreamType', description: 'Source of the stream.' }),
    room: Type.String({ examples: ['live-stage'] }),
    participant: nullable(Type.String(), { description: 'Identity of the publisher.' }),
    status: oneOf(['active', 'ended'], { title: 'StreamStatus' }),
    startedAt: Instant,
    endedAt: nullable(Instant),
    lastStatsJson: nullable(Type.String()),
    participants: Type.Integer({ description: 'Participants in its room now; 0 for an ended stream.' }),
    publishers: Type.Integer({ description: 'Of these, participants who publish.' }),
    viewers: Type.Integer({
      description:
        'Participants who only watch, and viewers’ pages that play its live HLS. Hidden participants and recorders don’t count.',
    }),
    hls: nullable(StreamHls, { description: 'Live HLS of the stream; null if it never had any.' }),
  },
  { title: 'Stream' },
);
export type StreamRow = Static<typeof StreamRow>;

export const StreamQuery = object({
  status: Type.Optional(oneOf(['active', 'ended', 'all'], { default: 'active' })),
  room: Type.Optional(Type.String({ maxLength: 256, description: 'Exact room name.' })),
  ...paging(),
});
export type StreamQuery = Static<typeof StreamQuery>;

export const StreamParams = object({
  app: Type.String({ description: 'Name of the app.', examples: ['live'] }),
  id: Type.String({ maxLength: 128, description: '`id` or `streamId` of the row.' }),
});

const RoomCount = object({
  room: Type.String(),
  streams: Type.Integer(),
  viewers: Type.Integer(),
});

export const AppStats = object({
  ts: Instant,
  app: object({ name: Type.String(), displayName: Type.String() }),
  live: object({
    activeStreams: Type.Integer(),
    totalViewers: Type.Integer(),
    rooms: Type.Array(RoomCount, { description: 'Open rooms of the app.' }),
  }),
  vods: object({
    count: Type.Integer(),
    totalBytes: Type.Integer(),
    byStatus: object({
      recording: Type.Integer(),
      uploading: Type.Integer(),
      ready: Type.Integer(),
      failed: Type.Integer(),
      starting: Type.Optional(Type.Integer({ description: 'Only if there are any.' })),
      cancelled: Type.Optional(Type.Integer({ description: 'Only if there are any.' })),
    }),
  }),
  storage: object({ appDbBytes: Type.Integer(), vodBytes: Type.Integer() }),
  ingress: object({ total: Type.Integer(), active: Type.Integer() }),
  events24h: object({
    error: Type.Integer(),
    warn: Type.Integer(),
    info: Type.Integer(),
  }),
});
export type AppStats = Static<typeof AppStats>;
