import { Type } from 'typebox';
import { HTTP_URL, key, optional } from './annotations.ts';

/** The blocks of config.yaml that concern viewers and what the app tells others; `schema.ts` puts them together. */

export const callbacks = Type.Object(
  {
    url: key.text({
      default: '',
      maxLength: 2048,
      ...HTTP_URL,
      description: 'Events are posted to this address; empty = off.',
      'x-reload': 'hot',
    }),
    secret_env: key.reference('APP_{SLUG}_CALLBACK_SECRET', { description: 'Name of the stored signing secret.' }),
    secret: key.text({
      default: '',
      maxLength: 256,
      description: 'Signing secret in clear text; PATCH callbackSecret stores it safely.',
      'x-reload': 'hot',
      'x-secret': true,
      'x-written': false,
    }),
  },
  { description: 'Webhooks of the app.' },
);

export const mqtt = Type.Object(
  {
    enabled: key.flag(false, { description: 'Publish events over MQTT.', 'x-reload': 'reopen' }),
    url: key.text({
      default: '',
      maxLength: 512,
      format: 'streamhub-mqtt-url',
      'x-hint': 'an mqtt, mqtts, ws or wss address, or empty',
      description: 'Address of the broker.',
      'x-reload': 'reopen',
    }),
    username: key.text({ default: '', maxLength: 255, description: 'User name at the broker.', 'x-reload': 'reopen' }),
    password_env: key.reference('APP_{SLUG}_MQTT_PASSWORD', { description: 'Name of the stored password.' }),
    topic_prefix: key.text({
      default: '',
      'x-template': 'streamhub/{name}',
      maxLength: 255,
      format: 'streamhub-topic-prefix',
      'x-hint': 'the beginning of a topic, without +, # and a slash at an end',
      description: 'Topics start with this.',
      'x-reload': 'reopen',
    }),
    qos: Type.Unsafe<0 | 1 | 2>({
      type: 'integer',
      minimum: 0,
      maximum: 2,
      default: 0,
      description:
        'Quality of service. 0: an event that is lost on the way is not noticed. 1 and 2: an event counts as delivered when the broker has acknowledged it.',
      'x-reload': 'reopen',
    }),
    tls: key.flag(false, {
      description: 'Use TLS also for an address that begins with mqtt:// or ws://.',
      'x-reload': 'reopen',
    }),
    events: Type.Array(Type.String({ pattern: '^[a-z][a-z0-9_.]{0,63}$', 'x-hint': '"all" or names of events' }), {
      default: ['all'],
      maxItems: 64,
      description: 'Events to publish: all, or their names.',
      'x-reload': 'reopen',
    }),
    logs: Type.Object(
      {
        enabled: key.flag(false, { description: 'Publish log lines too.', 'x-reload': 'reopen' }),
        level: key.choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal'], 'info', {
          description: 'Lowest level to publish.',
          'x-reload': 'reopen',
        }),
      },
      { description: 'Lines of the app’s log over MQTT, as far as LOG_LEVEL writes them. Lines can be lost.' },
    ),
    password: key.ignored('store it under mqtt.password_env'),
  },
  { description: 'MQTT.' },
);

export const latencyAlert = Type.Object(
  {
    enabled: key.flag(false, {
      description:
        'Warn when viewers of live HLS are too far behind, or when a LiveKit node passes on packets too slowly.',
      'x-reload': 'hot',
    }),
    threshold_ms: optional(
      key.amount(30_000, {
        minimum: 1,
        'x-unit': 'ms',
        description:
          'Delay of live HLS that causes a warning. Default: 5 seconds more than twice the delay that the delivery plan expects.',
        'x-reload': 'hot',
      }),
    ),
    forward_threshold_ms: key.amount(100, {
      minimum: 1,
      'x-unit': 'ms',
      description: 'Average time to pass on a packet over WebRTC that causes a warning, for each LiveKit node.',
      'x-reload': 'hot',
    }),
    cooldown_seconds: key.amount(60, {
      minimum: 0,
      'x-unit': 'seconds',
      description: 'Minimum time between two warnings.',
      'x-reload': 'hot',
    }),
    interval_seconds: key.amount(10, {
      minimum: 2,
      'x-unit': 'seconds',
      description: 'Time between two measurements.',
      'x-reload': 'hot',
    }),
  },
  { description: 'Latency alert.' },
);

export const analytics = Type.Object(
  {
    enabled: key.flag(true, {
      description: 'Keep sessions: who was in which room, when and how it ended.',
      'x-reload': 'hot',
    }),
    retention_days: key.whole(30, {
      minimum: 2,
      maximum: 400,
      'x-unit': 'days',
      'x-usual': [7, 14, 30, 90],
      description: 'Days after which a session is deleted.',
      'x-reload': 'hot',
    }),
    identities: key.choice(['full', 'hashed', 'none'], 'full', {
      description:
        'What is kept of identities and names: all, only a keyed hash of the identity, or nothing. It applies to new rows.',
      'x-reload': 'hot',
    }),
  },
  { description: 'Sessions: the history of rooms.' },
);

export const features = Type.Object(
  {
    viewer_counter: key.flag(true, { description: 'Show the number of viewers.', 'x-reload': 'hot' }),
    chat: key.flag(false, { description: 'Chat beside the player.', 'x-reload': 'hot' }),
    reactions: key.flag(false, { description: 'Reactions over the player.', 'x-reload': 'hot' }),
    hidden_qc: key.flag(true, { description: 'Staff may watch without being seen.', 'x-reload': 'hot' }),
    adaptive_player: key.flag(true, { description: 'The player adapts its quality.', 'x-reload': 'hot' }),
    public_playback: key.flag(true, { description: 'Anyone with the link may watch.', 'x-reload': 'hot' }),
    rtmp_password: key.unsupported('LiveKit asks RTMP publishers for the stream key and nothing else'),
    ws_ingest: key.unsupported('this version has no cameras over WebSocket'),
  },
  { description: 'Feature flags.' },
);

export const player = Type.Object(
  {
    title: optional(
      key.text({
        default: '',
        maxLength: 100,
        description: 'Title of the publish and watch pages; missing = the display name.',
        'x-reload': 'hot',
      }),
    ),
    accent: optional(
      key.text({
        default: '',
        pattern: '^(?:#[0-9a-fA-F]{6})?$',
        'x-hint': 'a colour such as #1c7ed6, or empty',
        description: 'Colour of buttons and marks on the publish and watch pages.',
        'x-reload': 'hot',
      }),
    ),
    logo_url: optional(
      key.text({
        default: '',
        maxLength: 2048,
        ...HTTP_URL,
        description: 'Address of a picture shown beside the title of the pages.',
        'x-reload': 'hot',
      }),
    ),
  },
  { description: 'Look of the publish and watch pages.', 'x-written': false },
);

export const distribution = Type.Object(
  {
    mode: key.choice(['edge', 'cdn'], 'edge', {
      description: 'Viewers receive media from the nodes (edge) or through a CDN (cdn).',
      'x-reload': 'next',
      'x-written': false,
    }),
    cdn: Type.Object(
      {
        base_url: key.text({
          default: '',
          maxLength: 2048,
          ...HTTP_URL,
          description: 'CDN address for live streams.',
          'x-reload': 'next',
          'x-written': false,
        }),
        vod_base_url: key.text({
          default: '',
          maxLength: 2048,
          ...HTTP_URL,
          description: 'CDN address for recordings.',
          'x-reload': 'next',
          'x-written': false,
        }),
        provider: key.choice(['generic', 'bunny', 'cloudfront', 'cloudflare', 'fastly'], 'generic', {
          description: 'Type of CDN.',
          'x-reload': 'next',
          'x-written': false,
        }),
      },
      { description: 'CDN.', 'x-written': false },
    ),
  },
  { description: 'How viewers receive media.', 'x-written': false },
);

export const hls = Type.Object(
  {
    auto: key.flag(true, {
      description: 'With distribution.mode cdn: start live HLS with each stream that has video.',
      'x-reload': 'next',
      'x-written': false,
    }),
    segment_seconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        'x-unit': 'seconds',
        description: 'Length of an HLS segment.',
        'x-reload': 'next',
        'x-written': false,
      }),
    ),
    list_size: Type.Optional(
      Type.Integer({
        minimum: 1,
        description: 'Segments in the live playlist.',
        'x-reload': 'next',
        'x-written': false,
      }),
    ),
  },
  { description: 'HLS.', 'x-written': false },
);
