import { NODE_DOWN_SECONDS, NODE_STALE_SECONDS } from '#shared/limits.ts';
import {
  choice,
  type Definition,
  flag,
  group,
  HTTP,
  host,
  hostWithPort,
  int,
  live,
  mailSender,
  REDIS,
  restart,
  secret,
  str,
  url,
  verbatimSecret,
} from './setting-types.ts';
import { OBSERVING } from './settings-observing.ts';

/**
 * Every setting of the daemon, declared once: the environment variable, its type, default and meaning, and whether it can be
 * changed while the daemon runs. Help text, `GET` and `PATCH /system/settings`, the forms of the console and docs/settings.md
 * derive from this table.
 */
export const SETTINGS = {
  ...group('livekit', {
    livekitMode: {
      ...live(
        choice(
          'LIVEKIT_MODE',
          'LiveKit',
          ['external', 'managed'],
          'external',
          '`external`: the daemon connects to a LiveKit that others run. `managed`: it runs a LiveKit server on its own machine, with generated keys, and Redis, egress and ingress where their programs are there. An address or keys in the environment, the env file or a flag take precedence: then no LiveKit is started.',
        ),
      ),
      flag: 'livekit-mode',
    } as const,
    livekitBinary: str(
      'LIVEKIT_BINARY',
      'LiveKit program',
      'livekit-server for LIVEKIT_MODE=managed. Unset: the one on PATH, else the one in `DATA_DIR/livekit/bin`, into which the pinned release is downloaded.',
    ),
    livekitMirror: url(
      'LIVEKIT_MIRROR',
      'LiveKit mirror',
      HTTP,
      'Another address with the archives of LiveKit’s release, for LIVEKIT_MODE=managed.',
    ),
    livekitUrl: live(
      url('LIVEKIT_URL', 'Address', ['ws', 'wss', ...HTTP], 'LiveKit’s API address; a path is kept.', {
        default: 'ws://127.0.0.1:7880',
      }),
      'livekit',
    ),
    livekitApiKey: live(
      str(
        'LIVEKIT_API_KEY',
        'API key',
        'LiveKit API key; without key and secret, LiveKit is treated as unreachable. LiveKit must also sign its webhooks with it.',
        { masked: true },
      ),
      'livekit',
    ),
    livekitApiSecret: live(verbatimSecret('LIVEKIT_API_SECRET', 'API secret', 'LiveKit API secret.'), 'livekit'),
    livekitMetricsUrl: live(
      url(
        'LIVEKIT_METRICS_URL',
        'Metrics address',
        HTTP,
        'Metrics of the LiveKit server beside this daemon, e.g. http://127.0.0.1:6789/metrics. Shows its figures, and lets this server take part in placement.',
        { secret: true },
      ),
    ),
  }),
  ...group('addresses', {
    publicBaseUrl: live(
      url(
        'PUBLIC_BASE_URL',
        'Public base URL',
        HTTP,
        'Base of public links to this daemon, e.g. https://stream.example.com. A path, e.g. https://example.com/streamhub, publishes it below that path.',
      ),
    ),
    streamhubPublicUrl: url(
      'STREAMHUB_PUBLIC_URL',
      'Older name of the base URL',
      HTTP,
      'Used if PUBLIC_BASE_URL is not set.',
    ),
    publicWsUrl: live(
      url(
        'PUBLIC_WS_URL',
        'Public WebSocket URL',
        ['ws', 'wss'],
        'LiveKit’s public WebSocket address, given to clients and joining nodes.',
      ),
    ),
    rtmpPublicHost: live(
      hostWithPort(
        'RTMP_PUBLIC_HOST',
        'Public RTMP host',
        'Advertised RTMP host. A port is that of RTMP only, if it is not 1935.',
      ),
    ),
    trustedProxies: live({
      type: 'addresses',
      env: 'STREAMHUB_TRUSTED_PROXIES',
      label: 'Trusted proxies',
      default: ['127.0.0.0/8', '::1/128'],
      doc: 'Addresses and CIDR ranges whose X-Forwarded-For is trusted.',
    } as const),
    hstsSeconds: restart(
      int(
        'STREAMHUB_HSTS_SECONDS',
        'HTTPS only, seconds',
        0,
        0,
        63_072_000,
        'How long browsers use only HTTPS for this host, in seconds; 0 = not set. Set it only if every service on the host has HTTPS.',
      ),
    ),
  }),
  ...group('mail', {
    smtpHost: live(
      host('STREAMHUB_SMTP_HOST', 'SMTP server', 'SMTP server for invitations and magic links; unset = no mail.'),
      'mail',
    ),
    smtpPort: live(int('STREAMHUB_SMTP_PORT', 'Port', 587, 1, 65535, 'SMTP port; 465 = TLS from the start.'), 'mail'),
    smtpUser: live(str('STREAMHUB_SMTP_USER', 'User', 'SMTP user.'), 'mail'),
    smtpPass: live(verbatimSecret('STREAMHUB_SMTP_PASS', 'Password', 'SMTP password.'), 'mail'),
    smtpFrom: live(mailSender('STREAMHUB_SMTP_FROM', 'Sender address', 'Sender address of mail.'), 'mail'),
    appUrl: live(
      url('STREAMHUB_APP_URL', 'Base of links in mail', HTTP, 'Base of links in mail; unset = PUBLIC_BASE_URL.'),
      'mail',
    ),
    smtpProxy: live(
      url(
        'STREAMHUB_SMTP_PROXY',
        'HTTP proxy',
        HTTP,
        'HTTP proxy that connects to the SMTP server; unset = directly.',
        { secret: true },
      ),
      'mail',
    ),
  }),
  ...group('redis', {
    redisUrl: live(
      url('REDIS_URL', 'Redis address', REDIS, 'Redis of the LiveKit cluster.', {
        default: 'redis://localhost:6379',
        hasPassword: true,
      }),
      'redis',
    ),
    clusterRedisUrl: live(
      url('STREAMHUB_CLUSTER_REDIS_URL', 'Redis address for nodes', REDIS, 'Redis address given to joining nodes.', {
        secret: true,
      }),
      'redis',
    ),
  }),
  ...group('cluster', {
    clusterToken: live(
      secret('STREAMHUB_CLUSTER_TOKEN', 'Join token', 'Lets edge nodes join; unset = clustering is off.'),
    ),
    clusterStaleSeconds: restart(
      int(
        'STREAMHUB_CLUSTER_STALE_S',
        'Stale after, seconds',
        NODE_STALE_SECONDS,
        2,
        86_400,
        'Time without a heartbeat after which a node is stale, seconds. Agents report about nine times in that time.',
      ),
    ),
    clusterDownSeconds: restart(
      int(
        'STREAMHUB_CLUSTER_DOWN_S',
        'Down after, seconds',
        NODE_DOWN_SECONDS,
        3,
        604_800,
        'Time without a heartbeat after which a node is down.',
      ),
    ),
  }),
  ...group('signIn', {
    allowSignup: live(
      flag('STREAMHUB_ALLOW_SIGNUP', 'Open sign-up', false, 'Let anyone create an account and a team.'),
    ),
    authRateLimitMax: live(
      int(
        'AUTH_RATE_LIMIT_MAX',
        'Sign-in attempts',
        10,
        -1_000_000,
        1_000_000,
        'Sign-in attempts per address and window; 0 or less = 10.',
      ),
    ),
    authRateLimitWindowMs: live(
      int(
        'AUTH_RATE_LIMIT_WINDOW_MS',
        'Window of sign-in attempts, milliseconds',
        900_000,
        1000,
        86_400_000,
        'Window of the sign-in limit, milliseconds.',
      ),
    ),
    sessionDays: live(
      int(
        'STREAMHUB_SESSION_DAYS',
        'Days that browsers stay signed in',
        30,
        1,
        365,
        'Days for which “Keep me signed in” lasts, from the last use of the web console.',
      ),
    ),
    sessionMaxDays: live(
      int('STREAMHUB_SESSION_MAX_DAYS', 'Days until browsers sign in again', 90, 1, 3650, 'Even if they are used.'),
    ),
    superadminEmail: str(
      'STREAMHUB_SUPERADMIN_EMAIL',
      'Superadmin email',
      'A magic link to this address signs in as superadmin; unset = off.',
    ),
    adminUser: str('ADMIN_USER', 'Admin user', 'Break-glass superadmin; needs ADMIN_PASS.'),
    adminPass: verbatimSecret('ADMIN_PASS', 'Admin password', 'Password of the break-glass superadmin.'),
    jwtSecret: verbatimSecret(
      'STREAMHUB_JWT_SECRET',
      'Session secret',
      'Signs session tokens; unset = a generated secret, kept in data/.',
    ),
    authzEnforce: choice(
      'STREAMHUB_AUTHZ_ENFORCE',
      'Permission enforcement',
      ['off', 'log', 'on'],
      'on',
      'Role, isolation and quota checks: enforce, only log, or skip.',
      'on',
    ),
  }),
  ...group('network', {
    ipAccessMode: live(
      choice(
        'STREAMHUB_IP_ACCESS_MODE',
        'Address rules',
        ['off', 'log', 'enforce'],
        'off',
        'Address rules: ignore, only log, or enforce.',
      ),
    ),
    ipAllowlistOnly: live(
      flag(
        'STREAMHUB_IP_ALLOWLIST_ONLY',
        'Allowed addresses only',
        false,
        'Refuse public addresses without an allow rule.',
      ),
    ),
    autobanEnabled: live(
      flag('STREAMHUB_AUTOBAN_ENABLED', 'Automatic bans', false, 'Ban an address after repeated offenses.'),
    ),
    autobanMaxOffenses: live(
      int('STREAMHUB_AUTOBAN_MAX_OFFENSES', 'Offenses before a ban', 10, 1, 1_000_000, 'Offenses before a ban.'),
    ),
    autobanWindowSeconds: live(
      int(
        'STREAMHUB_AUTOBAN_WINDOW_S',
        'Window of offenses, seconds',
        300,
        1,
        604_800,
        'Window in which offenses are counted, seconds.',
      ),
    ),
    autobanBaseTtlSeconds: live(
      int(
        'STREAMHUB_AUTOBAN_BASE_TTL_S',
        'First ban, seconds',
        900,
        1,
        604_800,
        'First ban, seconds. Each repeated ban lasts twice as long, 7 days at most.',
      ),
    ),
    autoban404: live(
      flag(
        'STREAMHUB_AUTOBAN_404_ENABLED',
        'Count unknown routes',
        false,
        'Count requests for unknown routes as offenses.',
      ),
    ),
    denyPrivateEndpoints: restart(
      flag(
        'STREAMHUB_DENY_PRIVATE_ENDPOINTS',
        'Refuse private endpoints',
        false,
        'Refuse S3 endpoints, callback URLs and MQTT brokers on loopback and private addresses.',
      ),
    ),
  }),
  ...OBSERVING,
  ...group('transcoding', {
    transcodingHwaccel: restart(
      choice(
        'TRANSCODING_HWACCEL',
        'Encoder of apps',
        ['auto', 'gpu', 'cpu'],
        'auto',
        'Default of transcoding.hwaccel for apps.',
      ),
    ),
    transcodingJobs: restart(
      int(
        'TRANSCODING_JOBS',
        'Recordings at the same time',
        1,
        1,
        16,
        'Recordings that are transcoded at the same time.',
      ),
    ),
    transcodingThreads: restart(
      int(
        'TRANSCODING_THREADS',
        'Threads for a recording',
        0,
        0,
        256,
        'Threads of ffmpeg for one recording; 0 = as many as ffmpeg chooses.',
      ),
    ),
    transcodingNice: restart(
      int('TRANSCODING_NICE', 'Priority', 10, 0, 19, 'Priority of ffmpeg; 19 = only when nothing else runs.'),
    ),
    gpuDisable: restart(flag('GPU_DISABLE', 'Ignore GPUs', false, 'Skip GPU detection.')),
  }),
  ...group('plugins', {
    pluginMemoryMb: restart(
      int(
        'STREAMHUB_PLUGIN_MEMORY_MB',
        'Memory of a plugin, MiB',
        256,
        128,
        65_536,
        'Maximum resident memory of one plugin process, MiB; half of it for JavaScript objects.',
      ),
    ),
    pluginLoadSeconds: restart(
      int(
        'STREAMHUB_PLUGIN_LOAD_S',
        'Loading time, seconds',
        15,
        1,
        600,
        'Time limit for loading an installed plugin, seconds.',
      ),
    ),
    pluginCallSeconds: restart(
      int(
        'STREAMHUB_PLUGIN_CALL_S',
        'Call time, seconds',
        90,
        1,
        3600,
        'Time limit for a plugin call that uses its storage, seconds. Other calls have 5 seconds.',
      ),
    ),
    pluginIdleSeconds: restart(
      int(
        'STREAMHUB_PLUGIN_IDLE_S',
        'Idle time, seconds',
        60,
        0,
        86_400,
        'Idle time after which a plugin process ends, seconds.',
      ),
    ),
    safeMode: {
      ...flag('STREAMHUB_SAFE', 'Safe mode', false, 'Start without third-party plugins.'),
      flag: 'safe',
    } as const,
    pluginSandbox: choice(
      'STREAMHUB_PLUGIN_SANDBOX',
      'Sandbox',
      ['auto', 'off'],
      'auto',
      'Run plugin processes in Linux namespaces where possible, in addition to Node’s permission model.',
    ),
  }),
  ...group('start', {
    port: { ...int('PORT', 'Port', 3020, 0, 65535, 'HTTP port; 0 = any free one.'), flag: 'port' } as const,
    host: str('HOST', 'Listening address', 'Address to listen on.', { default: '127.0.0.1', flag: 'host' }),
    tlsCert: str(
      'TLS_CERT',
      'Certificate file',
      'PEM file with the daemon’s certificate and its chain, to serve HTTPS without a proxy; read again when it changes. Needs TLS_KEY.',
    ),
    tlsKey: str('TLS_KEY', 'Key file', 'PEM file with the private key of TLS_CERT, without a passphrase.'),
    dataDir: str(
      'DATA_DIR',
      'Data directory',
      'Root of data/, apps/, logs/ and archive/. Default: the user’s state folder.',
      { flag: 'data-dir' },
    ),
    nodeEnv: str('NODE_ENV', 'Environment', '`production` writes JSON logs.', { default: 'development' }),
    apiToken: {
      ...secret(
        'STREAMHUB_API_TOKEN',
        'First API token',
        'First global API token. Its hash is stored if there is no active global token.',
      ),
      pattern: /^sk_[\w-]{20,}$/,
      hint: 'sk_ followed by at least 20 letters, digits, - or _',
    },
    backupWork: int(
      'STREAMHUB_BACKUP_WORK',
      'Work to open a backup',
      18,
      14,
      22,
      'What a guess of the passphrase of a new backup costs: 18 takes scrypt about a second and 256 MB of memory, each number below it half. Lower it only with a long random passphrase. Each backup says its own number.',
    ),
    consoleBuild: flag(
      'STREAMHUB_CONSOLE_BUILD',
      'Console build',
      true,
      'In a clone, build the web console in the background when it is missing or older than its sources.',
    ),
    systemdUnit: str(
      'SYSTEMD_UNIT',
      'systemd unit',
      'Unit named in the commands of the settings page; unset = the unit that the daemon runs as.',
    ),
  }),
} satisfies Record<string, Definition>;

export type SettingKey = keyof typeof SETTINGS;
