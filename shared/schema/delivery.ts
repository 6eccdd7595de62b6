import { type Static, type TSchema, Type } from 'typebox';
import { nullable, object, oneOf } from './common.ts';
import { LOG_LEVEL_NAMES } from './logs.ts';

const integer = (description: string) => Type.Integer({ minimum: 0, description });
const flag = (description: string) => Type.Boolean({ description });
const text = (description: string) => Type.String({ description });
const list = <T extends TSchema>(items: T, description: string) => Type.Array(items, { description });

const rung = {
  width: integer('Pixels, even.'),
  height: integer('Pixels, even.'),
  bitrateKbps: integer('Video bit rate, kbit/s.'),
  audioKbps: integer('Audio bit rate, kbit/s.'),
};
const framerate = Type.Number({ description: 'Frames a second.' });
const segmentSeconds = Type.Number({ description: 'Seconds of one segment.' });

const Recording = object({
  isAutomatic: flag('Each stream is recorded by itself.'),
  mode: oneOf(['room-composite', 'participant'], { title: 'RecordingMode' }),
  layout: text('Layout of a room composite.'),
  format: oneOf(['mp4', 'segments'], {
    title: 'RecordingFormat',
    description: '`segments` survives a crash of the recorder but for its last seconds; an MP4 is lost whole.',
  }),
  video: object({ ...rung, framerate, keyframeSeconds: Type.Number({ description: 'Seconds between key frames.' }) }),
  splitSeconds: integer('A new file after this many seconds; 0: one file.'),
  snapshotSeconds: integer('Seconds between two pictures; 0: none.'),
  segmentSeconds,
  localDir: text('Folder below the app’s folder, for recordings that are stored there.'),
  storage: oneOf(['bucket', 'folder', 'moved'], {
    description:
      '`bucket`: LiveKit writes to the storage. `folder`: to the app’s folder. `moved`: to the app’s folder, and a job moves it to the storage.',
  }),
  removesLocal: flag('The file in the app’s folder is removed once the storage has it.'),
});

const Vod = object({
  rungs: list(object(rung, { title: 'Rung' }), 'Best first. None is made above the size of the recording.'),
  hasLadder: flag('An HLS ladder is made.'),
  by: oneOf(['daemon', 'egress'], {
    title: 'LadderSource',
    description:
      '`daemon`: ffmpeg on the daemon’s machine makes the ladder after the recording. `egress`: LiveKit’s egress workers make it while the recording runs, one order for each quality.',
  }),
  hasVp8: flag('A WebM file in VP8 is made.'),
  segmentSeconds,
  encoder: oneOf(['nvidia', 'vaapi', 'none'], {
    title: 'Encoder',
    description: 'The GPU of the daemon’s machine that encodes; `none`: the CPU.',
  }),
  egressCpus: integer('CPUs of egress services that the ladder of one recording takes.'),
});

const LiveHls = object({
  isAutomatic: flag('Begins with each stream that has a picture.'),
  rungs: list(object(rung, { title: 'Rung' }), 'Best first.'),
  framerate,
  segmentSeconds,
  listSize: integer('Segments in the live playlist.'),
  ownPlaylist: flag('The daemon writes the playlist: LiveKit’s has 5 segments, and no other number.'),
  storage: oneOf(['bucket', 'folder'], { description: 'Where segments and playlists are written.' }),
  baseUrl: text('Players open this address and the object’s key; empty: links of the daemon.'),
  provider: oneOf(['generic', 'bunny', 'cloudfront', 'cloudflare', 'fastly'], {
    title: 'CdnProvider',
    description: 'Type of CDN.',
  }),
  delaySeconds: Type.Number({ description: 'Delay that viewers can expect.' }),
  egressCpus: integer('CPUs of egress services that one stream takes.'),
});

const ingest = {
  layers: list(
    object(
      {
        quality: oneOf(['high', 'medium', 'low'], { title: 'LayerQuality' }),
        width: rung.width,
        height: rung.height,
        bitrateKbps: rung.bitrateKbps,
      },
      { title: 'IngestLayer' },
    ),
    'Best first. LiveKit makes none above what comes in.',
  ),
  framerate,
  audioKbps: rung.audioKbps,
};

/** What StreamHub asks of LiveKit, of ffmpeg, of publishers and of players for one app. */
export const DeliveryPlanData = object({
  recording: nullable(Recording, { description: 'Null: nothing is recorded.' }),
  vod: nullable(Vod, { description: 'What a job makes of each finished recording.' }),
  live: nullable(LiveHls, { description: 'HLS while the stream runs.' }),
  ingest: object({
    rtmp: object({ isEnabled: flag('RTMP ingests can be created.'), ...ingest }),
    whip: object({ isTranscoding: flag('Encoded again; else passed on as it comes.'), ...ingest }),
    url: object(ingest),
  }),
  publish: object(
    {
      simulcast: flag('Browsers send several qualities.'),
      layers: list(
        object({ width: rung.width, height: rung.height, bitrateKbps: rung.bitrateKbps, framerate }),
        'Best first, three at most.',
      ),
    },
    { description: 'For livekit-client’s publishDefaults.' },
  ),
  room: object({
    playoutDelayMs: nullable(Type.Integer(), {
      description: 'How long players may wait for smoother playback; null: LiveKit’s default.',
    }),
  }),
  player: object({
    title: text('Shown on the pages.'),
    accent: nullable(Type.String(), { description: 'Colour of the pages, `#rrggbb`; null: their own.' }),
    logoUrl: nullable(Type.String(), { description: 'Picture on the pages.' }),
    adaptive: flag('The quality follows the connection.'),
    viewerCounter: flag('Shows the number of viewers.'),
    chat: flag('Has a chat.'),
    reactions: flag('Has reactions.'),
    isPublic: flag('Opens without a token.'),
    hiddenQc: flag('Staff can watch unseen.'),
  }),
  playback: object({
    first: oneOf(['webrtc', 'hls'], { title: 'PlaybackKind', description: 'What players try first.' }),
    vodBaseUrl: text('Base address of recordings and their ladders; empty: links of the storage.'),
  }),
  latencyAlert: nullable(
    object({
      thresholdMs: nullable(Type.Number(), {
        description: 'Delay of live HLS that makes an event, in milliseconds; null: there is no live HLS.',
      }),
      forwardThresholdMs: Type.Number({
        description: 'Average time of a LiveKit node to pass on a packet that makes an event, in milliseconds.',
      }),
      cooldownSeconds: integer('Shortest time between two events.'),
      intervalSeconds: integer('Time between two measurements.'),
    }),
  ),
  mqtt: nullable(
    object({
      url: text('Address of the broker.'),
      username: text('User name at the broker.'),
      topicPrefix: text('Topics start with this.'),
      qos: Type.Unsafe<0 | 1 | 2>({ type: 'integer', minimum: 0, maximum: 2, description: 'Quality of service.' }),
      tls: flag('Uses TLS.'),
      events: list(Type.String(), 'Events to publish: all, or their names.'),
      logLevel: nullable(oneOf(LOG_LEVEL_NAMES), { description: 'Lowest level of log lines to publish; null: none.' }),
    }),
  ),
});
export type DeliveryPlanData = Static<typeof DeliveryPlanData>;

const DeliveryNotice = object({
  code: oneOf(
    [
      'ALWAYS_ENCODED',
      'NO_FFMPEG',
      'NO_LADDER_WITHOUT_TRANSCODING',
      'LADDER_NOT_ON_EGRESS',
      'NO_CDN_ADDRESS',
      'LIVE_NEEDS_BUCKET',
      'BUCKET_REFUSES_PAGES',
      'LATENCY_ALWAYS_HIGH',
    ],
    { description: 'Stable word.' },
  ),
  key: Type.String({ description: 'Dotted key of config.yaml.', examples: ['transcoding.vod_adaptive'] }),
  message: Type.String(),
});
export type DeliveryNotice = Static<typeof DeliveryNotice>;

/** What the config of an app does with its streams. */
export const DeliveryView = object({
  summary: Type.Array(Type.String(), {
    description: 'The plan in sentences.',
    examples: [['Browsers publish 3 qualities (720p, 480p, 240p).']],
  }),
  notices: Type.Array(DeliveryNotice, {
    description: 'What the config asks for and this installation cannot do, or does otherwise.',
  }),
  plan: DeliveryPlanData,
});
export type DeliveryView = Static<typeof DeliveryView>;
