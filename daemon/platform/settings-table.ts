import { NODE_DOWN_SECONDS, NODE_STALE_SECONDS } from '#shared/limits.ts';

/**
 * Every setting of the daemon, declared once: the environment variable, its type, default and meaning.
 * Help text, `GET /system/settings` guidance and docs/settings.md derive from this table.
 */
interface Common {
  /** Environment variable; also its name in the env file. */
  env: string;
  /** Command-line flag without the dashes. */
  flag?: string;
  /** What it does, for `--help` and the docs. */
  doc: string;
  /** Never printed, answered or logged. */
  secret?: boolean;
  /** A secret that keeps its surrounding blanks, because existing tokens or passwords may depend on them. */
  verbatim?: boolean;
}
export type Definition = Common &
  (
    | { type: 'string'; default: string; pattern?: RegExp; hint?: string }
    | { type: 'url'; default: string; schemes: readonly string[] }
    | { type: 'addresses'; default: readonly string[] }
    | { type: 'int'; default: number; min: number; max: number }
    | { type: 'flag'; default: boolean }
    | { type: 'enum'; default: string; values: readonly string[]; junk?: string }
  );

const str = (
  env: string,
  doc: string,
  more: { default?: string; flag?: string; secret?: boolean; verbatim?: boolean } = {},
) => ({ type: 'string', env, doc, default: '', ...more }) as const;
/** An absolute address; `schemes` without the colon. */
const url = (env: string, schemes: readonly string[], doc: string, more: { default?: string; secret?: boolean } = {}) =>
  ({ type: 'url', env, schemes, doc, default: '', ...more }) as const;
const HTTP = ['http', 'https'] as const;
const REDIS = ['redis', 'rediss'] as const;
const secret = (env: string, doc: string) => str(env, doc, { secret: true });
const verbatimSecret = (env: string, doc: string) => str(env, doc, { secret: true, verbatim: true });
const int = (env: string, fallback: number, min: number, max: number, doc: string, flag?: string) =>
  ({ type: 'int', env, default: fallback, min, max, doc, ...(flag ? { flag } : {}) }) as const;
const flag = (env: string, fallback: boolean, doc: string) => ({ type: 'flag', env, default: fallback, doc }) as const;
const choice = <const V extends readonly string[]>(
  env: string,
  values: V,
  fallback: V[number],
  doc: string,
  junk?: V[number],
) => ({ type: 'enum', env, values, default: fallback, doc, ...(junk ? { junk } : {}) }) as const;

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

export const SETTINGS = {
  // core
  port: { ...int('PORT', 3020, 0, 65535, 'HTTP port; 0 = any free one.'), flag: 'port' },
  host: str('HOST', 'Address to listen on.', { default: '127.0.0.1', flag: 'host' }),
  nodeEnv: str('NODE_ENV', '`production` writes JSON logs.', { default: 'development' }),
  dataDir: str('DATA_DIR', 'Root of data/, apps/, logs/ and archive/. Default: the user’s state folder.', {
    flag: 'data-dir',
  }),
  publicBaseUrl: url(
    'PUBLIC_BASE_URL',
    HTTP,
    'Base of public links to this daemon, e.g. https://stream.example.com. A path, e.g. https://example.com/streamhub, publishes it below that path.',
  ),
  streamhubPublicUrl: url('STREAMHUB_PUBLIC_URL', HTTP, 'Used if PUBLIC_BASE_URL is not set.'),
  publicWsUrl: url(
    'PUBLIC_WS_URL',
    ['ws', 'wss'],
    'LiveKit’s public WebSocket address, given to clients and joining nodes.',
  ),
  rtmpPublicHost: str('RTMP_PUBLIC_HOST', 'Advertised RTMP host.'),
  redisUrl: url('REDIS_URL', REDIS, 'Redis of the LiveKit cluster.', { default: 'redis://localhost:6379' }),
  apiToken: {
    ...secret('STREAMHUB_API_TOKEN', 'First global API token. Its hash is stored if there is no active global token.'),
    pattern: /^sk_[\w-]{20,}$/,
    hint: 'sk_ followed by at least 20 letters, digits, - or _',
  },
  consoleBuild: flag(
    'STREAMHUB_CONSOLE_BUILD',
    true,
    'In a clone, build the web console in the background when it is missing or older than its sources.',
  ),
  systemdUnit: str('SYSTEMD_UNIT', 'Unit named in the guidance of the settings page.', { default: 'streamhub' }),
  trustedProxies: {
    type: 'addresses',
    env: 'STREAMHUB_TRUSTED_PROXIES',
    default: ['127.0.0.0/8', '::1/128'],
    doc: 'Addresses and CIDR ranges whose X-Forwarded-For is trusted.',
  } as const,
  hstsSeconds: int(
    'STREAMHUB_HSTS_SECONDS',
    0,
    0,
    63_072_000,
    'How long browsers use only HTTPS for this host, in seconds; 0 = not set. Set it only if every service on the host has HTTPS.',
  ),
  denyPrivateEndpoints: flag(
    'STREAMHUB_DENY_PRIVATE_ENDPOINTS',
    false,
    'Refuse S3 endpoints, callback URLs and MQTT brokers on loopback and private addresses.',
  ),
  // logs
  logLevel: { ...choice('LOG_LEVEL', LOG_LEVELS, 'info', 'Lowest log level, for every output.'), flag: 'log-level' },
  logMaxBytes: int(
    'LOG_MAX_BYTES',
    10_485_760,
    65_536,
    10_737_418_240,
    'Maximum size of a log file before it is rotated.',
  ),
  logMaxFiles: int('LOG_MAX_FILES', 10, 0, 1000, 'Number of rotated log files to keep.'),
  logMaxRows: int('LOG_MAX_ROWS', 2_000_000, 1000, 100_000_000, 'Maximum number of log rows of any age.'),
  logRetentionDays: int(
    'LOG_RETENTION_DAYS',
    30,
    -1_000_000,
    36_500,
    'Days that log rows and archives are kept; 0 or less = no age limit.',
  ),
  // GPU and transcoding
  transcodingHwaccel: choice(
    'TRANSCODING_HWACCEL',
    ['auto', 'gpu', 'cpu'],
    'auto',
    'Default of transcoding.hwaccel for apps.',
  ),
  transcodingJobs: int('TRANSCODING_JOBS', 1, 1, 16, 'Recordings that are transcoded at the same time.'),
  transcodingThreads: int(
    'TRANSCODING_THREADS',
    0,
    0,
    256,
    'Threads of ffmpeg for one recording; 0 = as many as ffmpeg chooses.',
  ),
  transcodingNice: int('TRANSCODING_NICE', 10, 0, 19, 'Priority of ffmpeg; 19 = only when nothing else runs.'),
  gpuDisable: flag('GPU_DISABLE', false, 'Skip GPU detection.'),
  // plugins
  safeMode: { ...flag('STREAMHUB_SAFE', false, 'Start without third-party plugins.'), flag: 'safe' },
  pluginSandbox: choice(
    'STREAMHUB_PLUGIN_SANDBOX',
    ['auto', 'off'],
    'auto',
    'Run plugin processes in Linux namespaces where possible, in addition to Node’s permission model.',
  ),
  pluginMemoryMb: int(
    'STREAMHUB_PLUGIN_MEMORY_MB',
    256,
    128,
    65_536,
    'Maximum resident memory of one plugin process, MiB; half of it for JavaScript objects.',
  ),
  pluginLoadSeconds: int('STREAMHUB_PLUGIN_LOAD_S', 15, 1, 600, 'Time limit for loading an installed plugin, seconds.'),
  pluginCallSeconds: int(
    'STREAMHUB_PLUGIN_CALL_S',
    90,
    1,
    3600,
    'Time limit for a plugin call that uses its storage, seconds. Other calls have 5 seconds.',
  ),
  pluginIdleSeconds: int(
    'STREAMHUB_PLUGIN_IDLE_S',
    60,
    0,
    86_400,
    'Idle time after which a plugin process ends, seconds.',
  ),
  // metrics
  metricsToken: secret('METRICS_TOKEN', 'Enables GET /metrics; unset = 404.'),
  metricsDefaults: flag('METRICS_DEFAULT_METRICS', true, 'Include process metrics.'),
  // LiveKit
  livekitUrl: url('LIVEKIT_URL', ['ws', 'wss', ...HTTP], 'LiveKit’s API address; a path is kept.', {
    default: 'ws://127.0.0.1:7880',
  }),
  livekitApiKey: str('LIVEKIT_API_KEY', 'LiveKit API key; without key and secret, LiveKit is treated as unreachable.'),
  livekitApiSecret: verbatimSecret('LIVEKIT_API_SECRET', 'LiveKit API secret.'),
  livekitMetricsUrl: url(
    'LIVEKIT_METRICS_URL',
    HTTP,
    'Metrics of the LiveKit server beside this daemon, e.g. http://127.0.0.1:6789/metrics. Lets this server take part in placement.',
    { secret: true },
  ),
  // sign-in
  jwtSecret: verbatimSecret('STREAMHUB_JWT_SECRET', 'Signs session tokens; unset = a generated secret, kept in data/.'),
  adminUser: str('ADMIN_USER', 'Break-glass superadmin; needs ADMIN_PASS.'),
  adminPass: verbatimSecret('ADMIN_PASS', 'Password of the break-glass superadmin.'),
  authzEnforce: choice(
    'STREAMHUB_AUTHZ_ENFORCE',
    ['off', 'log', 'on'],
    'on',
    'Role, isolation and quota checks: enforce, only log, or skip.',
    'on',
  ),
  allowSignup: flag('STREAMHUB_ALLOW_SIGNUP', false, 'Let anyone create an account and a team.'),
  authRateLimitMax: int(
    'AUTH_RATE_LIMIT_MAX',
    10,
    -1_000_000,
    1_000_000,
    'Sign-in attempts per address and window; 0 or less = 10.',
  ),
  authRateLimitWindowMs: int(
    'AUTH_RATE_LIMIT_WINDOW_MS',
    900_000,
    1000,
    86_400_000,
    'Window of the sign-in limit, milliseconds.',
  ),
  superadminEmail: str(
    'STREAMHUB_SUPERADMIN_EMAIL',
    'A magic link to this address signs in as superadmin; unset = off.',
  ),
  appUrl: url('STREAMHUB_APP_URL', HTTP, 'Base of links in mail; unset = PUBLIC_BASE_URL.'),
  smtpHost: str('STREAMHUB_SMTP_HOST', 'SMTP server for invitations and magic links; unset = no mail.'),
  smtpPort: int('STREAMHUB_SMTP_PORT', 587, 1, 65535, 'SMTP port; 465 = TLS from the start.'),
  smtpUser: str('STREAMHUB_SMTP_USER', 'SMTP user.'),
  smtpPass: verbatimSecret('STREAMHUB_SMTP_PASS', 'SMTP password.'),
  smtpFrom: str('STREAMHUB_SMTP_FROM', 'Sender address of mail.'),
  smtpProxy: url('STREAMHUB_SMTP_PROXY', HTTP, 'HTTP proxy that connects to the SMTP server; unset = directly.', {
    secret: true,
  }),
  auditRetentionDays: int(
    'STREAMHUB_AUDIT_RETENTION_DAYS',
    365,
    0,
    36_500,
    'Days that audit entries are kept (250,000 entries at most); 0 = no age limit.',
  ),
  // network
  ipAccessMode: choice(
    'STREAMHUB_IP_ACCESS_MODE',
    ['off', 'log', 'enforce'],
    'off',
    'Address rules: ignore, only log, or enforce.',
  ),
  ipAllowlistOnly: flag('STREAMHUB_IP_ALLOWLIST_ONLY', false, 'Refuse public addresses without an allow rule.'),
  autobanEnabled: flag('STREAMHUB_AUTOBAN_ENABLED', false, 'Ban an address after repeated offenses.'),
  autobanMaxOffenses: int('STREAMHUB_AUTOBAN_MAX_OFFENSES', 10, 1, 1_000_000, 'Offenses before a ban.'),
  autobanWindowSeconds: int(
    'STREAMHUB_AUTOBAN_WINDOW_S',
    300,
    1,
    604_800,
    'Window in which offenses are counted, seconds.',
  ),
  autobanBaseTtlSeconds: int(
    'STREAMHUB_AUTOBAN_BASE_TTL_S',
    900,
    1,
    604_800,
    'First ban, seconds. Each repeated ban lasts twice as long, 7 days at most.',
  ),
  autoban404: flag('STREAMHUB_AUTOBAN_404_ENABLED', false, 'Count requests for unknown routes as offenses.'),
  // cluster
  clusterToken: secret('STREAMHUB_CLUSTER_TOKEN', 'Lets edge nodes join; unset = clustering is off.'),
  clusterRedisUrl: url('STREAMHUB_CLUSTER_REDIS_URL', REDIS, 'Redis address given to joining nodes.', {
    secret: true,
  }),
  clusterStaleSeconds: int(
    'STREAMHUB_CLUSTER_STALE_S',
    NODE_STALE_SECONDS,
    2,
    86_400,
    'Time without a heartbeat after which a node is stale, seconds. Agents report about nine times in that time.',
  ),
  clusterDownSeconds: int(
    'STREAMHUB_CLUSTER_DOWN_S',
    NODE_DOWN_SECONDS,
    3,
    604_800,
    'Time without a heartbeat after which a node is down.',
  ),
} satisfies Record<string, Definition>;

export type SettingKey = keyof typeof SETTINGS;
