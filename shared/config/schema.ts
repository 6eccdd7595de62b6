import { type Static, Type } from 'typebox';
import { ROOM_PREFIX_PATTERN } from '../schema/common.ts';
import { HTTP_URL, key, optional } from './annotations.ts';
import { analytics, callbacks, distribution, features, hls, latencyAlert, mqtt, player } from './schema-delivery.ts';

/**
 * The whole of config.yaml, as it is written on disk (snake_case), with every default filled in.
 * Validation, a new app's file, the editor's completion, the API's views and the documentation derive from it.
 * Keys that are not declared here are left alone on disk and have no effect.
 */

/** One rung of the simulcast ladder. */
export const Layer = Type.Object(
  {
    name: Type.String({
      pattern: '^[a-z0-9_-]{1,20}$',
      'x-hint': '1 to 20 of a-z, 0-9, _ and -',
      description: 'Name of the layer.',
    }),
    height: Type.Integer({ minimum: 1, maximum: 4320, 'x-unit': 'px', description: 'Picture height.' }),
  },
  { 'x-name': 'Layer' },
);
export type Layer = Static<typeof Layer>;

/** One rendition of a recording. */
export const Rendition = Type.Object(
  {
    height: Type.Integer({ minimum: 144, maximum: 4320, 'x-unit': 'px', description: 'Picture height.' }),
    bitrate_kbps: Type.Integer({ minimum: 100, maximum: 50_000, 'x-unit': 'kbps', description: 'Video bitrate.' }),
  },
  { 'x-name': 'Rendition' },
);
export type Rendition = Static<typeof Rendition>;

/** The ladder of an app that sets none. */
export const DEFAULT_LAYERS: readonly Layer[] = [
  { name: 'high', height: 720 },
  { name: 'med', height: 480 },
  { name: 'low', height: 240 },
];

/** The layouts of LiveKit's own recorder page; with -light or -dark they have that background. */
const LAYOUTS = ['grid', 'speaker', 'single-speaker'].flatMap((name) => [name, `${name}-light`, `${name}-dark`]);

const recording = Type.Object(
  {
    enabled: key.flag(true, { description: 'Allow recording.', 'x-reload': 'hot' }),
    auto: key.flag(false, {
      description: 'Start a recording when a room gets its first publisher.',
      'x-reload': 'next',
    }),
    mode: key.choice(['room-composite', 'participant'], 'room-composite', {
      description: 'Record the whole room as one video, or each participant.',
      'x-reload': 'next',
    }),
    layout: key.choice(LAYOUTS, 'grid', {
      description: 'Layout of a room recording.',
      'x-reload': 'next',
    }),
    local_dir: key.text({
      default: 'recordings',
      maxLength: 255,
      format: 'streamhub-inner-folder',
      'x-hint': 'a relative folder inside the app directory',
      description: 'Folder for local files, inside the app’s folder.',
      'x-reload': 'next',
    }),
    delete_local_after_upload: key.flag(true, {
      description: 'Delete the local file after it is uploaded to the bucket.',
      'x-reload': 'next',
    }),
    split_minutes: key.whole(0, {
      minimum: 0,
      maximum: 1440,
      'x-unit': 'minutes',
      'x-usual': [0, 15, 30, 60, 90, 120],
      description: 'Minutes after which a new file starts; 0 = one file.',
      'x-reload': 'next',
    }),
    snapshot_seconds: key.whole(0, {
      minimum: 0,
      maximum: 3600,
      'x-unit': 'seconds',
      'x-usual': [0, 1, 30, 60, 120, 360],
      description: 'Seconds between snapshots; 0 = off.',
      'x-reload': 'next',
    }),
    format: optional(
      key.choice(['mp4', 'segments'], 'mp4', {
        description: 'One MP4 file, or HLS segments: after a crash of the recorder only the last segment is lost.',
        'x-reload': 'next',
      }),
    ),
    height: optional(
      key.whole(720, {
        minimum: 144,
        maximum: 2160,
        'x-unit': 'px',
        description: 'Picture height; missing = the highest of transcoding.vod_renditions, or else of webrtc.layers.',
        'x-reload': 'next',
      }),
    ),
    fps: optional(key.whole(30, { minimum: 1, maximum: 60, description: 'Frames a second.', 'x-reload': 'next' })),
    bitrate_kbps: optional(
      key.whole(2800, {
        minimum: 100,
        maximum: 50_000,
        'x-unit': 'kbps',
        description: 'Video bitrate; missing = the usual one for the height.',
        'x-reload': 'next',
      }),
    ),
    audio_kbps: optional(
      key.whole(128, {
        minimum: 32,
        maximum: 512,
        'x-unit': 'kbps',
        description: 'Audio bitrate.',
        'x-reload': 'next',
      }),
    ),
    keyframe_seconds: optional(
      key.amount(2, {
        minimum: 0.5,
        maximum: 20,
        'x-unit': 'seconds',
        description: 'Time between two key frames.',
        'x-reload': 'next',
      }),
    ),
  },
  { description: 'Recording.' },
);

/** Storage providers that come with StreamHub. */
export const BUILT_IN_PROVIDERS = ['aws', 'wasabi', 'minio', 'local'] as const;

const s3 = Type.Object(
  {
    provider: key.choice(BUILT_IN_PROVIDERS, 'wasabi', {
      description: 'Kind of storage; `local` and an empty bucket keep recordings in the app’s folder.',
      'x-reload': 'reopen',
    }),
    bucket: key.text({ default: '', maxLength: 255, description: 'Bucket for recordings.', 'x-reload': 'reopen' }),
    region: key.text({
      default: 'us-east-1',
      maxLength: 64,
      description: 'Region of the bucket.',
      'x-reload': 'reopen',
    }),
    endpoint: key.text({
      default: 'https://s3.us-east-1.wasabisys.com',
      maxLength: 255,
      ...HTTP_URL,
      description: 'Address of the service; empty = the AWS default.',
      'x-reload': 'reopen',
    }),
    force_path_style: key.flag(false, {
      description: 'Put the bucket in the path instead of the host name (MinIO).',
      'x-reload': 'reopen',
    }),
    prefix: key.text({
      default: '',
      'x-template': 'streamhub/{name}',
      maxLength: 255,
      description: 'Prefix for new objects.',
      'x-reload': 'next',
    }),
    public_url: key.text({
      default: '',
      maxLength: 255,
      ...HTTP_URL,
      description: 'Public base address of the bucket. Recordings get public links instead of signed ones.',
      'x-reload': 'hot',
    }),
    public_endpoint: key.text({
      default: '',
      maxLength: 255,
      ...HTTP_URL,
      description: 'Address of the service for viewers, used in signed links. Empty = `endpoint`.',
      'x-reload': 'hot',
    }),
    access_key_env: key.reference('APP_{SLUG}_S3_KEY', { description: 'Name of the stored access key.' }),
    secret_key_env: key.reference('APP_{SLUG}_S3_SECRET', { description: 'Name of the stored secret key.' }),
    options: Type.Optional(
      Type.Unsafe<Record<string, unknown>>({
        type: 'object',
        description: 'Additional settings of a plugin’s storage provider.',
        'x-reload': 'reopen',
        'x-written': false,
      }),
    ),
    key: key.ignored('set the access key with PUT /apps/{name}/s3'),
    secret: key.ignored('set the secret key with PUT /apps/{name}/s3'),
  },
  { description: 'Bucket of the app. Its credentials are stored separately, never here.' },
);

const webrtc = Type.Object(
  {
    adaptive: key.flag(true, { description: 'Publish several qualities (simulcast).', 'x-reload': 'next' }),
    layers: Type.Array(Layer, {
      default: DEFAULT_LAYERS,
      maxItems: 8,
      description: 'The qualities, best first; empty = the default ladder.',
      'x-reload': 'next',
    }),
    playout_delay_ms: optional(
      key.whole(0, {
        minimum: 0,
        maximum: 2000,
        'x-unit': 'ms',
        description:
          'Time that players wait to smooth playback, at least and at most; missing = LiveKit’s default. Only for rooms that are created later.',
        'x-reload': 'next',
      }),
    ),
  },
  { description: 'Browser publishing.' },
);

const rtmp = Type.Object(
  {
    enabled: key.flag(true, { description: 'Accept RTMP.', 'x-reload': 'hot' }),
    transcode: key.flag(true, {
      description: 'Transcode RTMP input (only if transcoding is enabled).',
      'x-reload': 'next',
    }),
  },
  { 'x-name': 'Rtmp', description: 'RTMP ingest.' },
);

const transcoding = Type.Object(
  {
    enabled: key.flag(false, { description: 'Re-encode on the server.', 'x-reload': 'next' }),
    encoding: key.choice(['h264', 'h264+vp8'], 'h264', {
      'x-name': 'Encoding',
      description: 'Codecs of a recording.',
      'x-reload': 'next',
    }),
    vod_adaptive: key.flag(false, {
      description: 'Create an adaptive HLS ladder for each recording.',
      'x-reload': 'next',
    }),
    vod_renditions: Type.Array(Rendition, {
      default: [],
      maxItems: 8,
      description: 'The ladder; at most five entries are used. Empty = from webrtc.layers.',
      'x-reload': 'next',
    }),
    ladder_on: optional(
      key.choice(['daemon', 'egress'], 'daemon', {
        description:
          'Where the ladder is made: on the daemon’s machine after the recording, or by LiveKit’s egress workers while it runs. They need CPUs for each quality.',
        'x-reload': 'next',
      }),
    ),
    hwaccel: Type.Optional(
      Type.Unsafe<'auto' | 'gpu' | 'cpu'>({
        type: 'string',
        enum: ['auto', 'gpu', 'cpu'],
        'x-name': 'Hwaccel',
        description: 'Where to encode. If missing, the daemon’s TRANSCODING_HWACCEL is used.',
        'x-reload': 'next',
        'x-written': false,
      }),
    ),
  },
  { description: 'Transcoding. Without this block, rtmp.transcode is used.' },
);

export const ConfigFile = Type.Object(
  {
    name: key.text({
      'x-template': '{name}',
      maxLength: 32,
      description: 'Name of the app; you can’t change it here.',
      'x-reload': 'hot',
    }),
    display_name: key.text({
      'x-template': '{name}',
      maxLength: 100,
      description: 'Display name.',
      'x-reload': 'hot',
    }),
    room_prefix: key.text({
      'x-template': '{name}',
      pattern: ROOM_PREFIX_PATTERN,
      'x-hint': '1 to 40 of a-z, 0-9 and -, not beginning with -',
      description:
        'Prefix of the app’s room names. No other app can use the same prefix. Prefixes of different teams must not contain each other.',
      'x-reload': 'next',
    }),
    recording,
    s3,
    webrtc,
    rtmp,
    transcoding,
    callbacks,
    mqtt,
    latency_alert: latencyAlert,
    analytics,
    features,
    player,
    distribution,
    hls,
  },
  { title: 'StreamHub app configuration', description: 'config.yaml of one app.' },
);
/** The complete file: every key that has a default is there. */
export type ConfigFile = Static<typeof ConfigFile>;
