import { type Static, Type } from 'typebox';
import { Instant, nullable, object, oneOf } from './common.ts';
import { CONNECTIONS } from './connections.ts';

const text = (description: string) => Type.String({ description });
const set = (what: string) => Type.Boolean({ description: `${what} is set. The value is never returned.` });

/** `managed`: from the LiveKit that the daemon runs. */
const ORIGINS = ['default', 'stored', 'managed', 'file', 'environment', 'flag'] as const;

/** Groups of settings, in the order in which they are shown. */
export const SETTING_GROUPS = [
  'livekit',
  'addresses',
  'mail',
  'redis',
  'cluster',
  'signIn',
  'network',
  'metrics',
  'retention',
  'transcoding',
  'plugins',
  'start',
] as const;
export type SettingGroup = (typeof SETTING_GROUPS)[number];

/** Longest text of a stored setting. */
const MAX_TEXT = 4096;

export const SettingValue = Type.Union([
  Type.String({ maxLength: MAX_TEXT }),
  Type.Number(),
  Type.Boolean(),
  Type.Array(Type.String({ maxLength: 64 }), { maxItems: 100 }),
  Type.Null(),
]);
export type SettingValue = Static<typeof SettingValue>;

/** One setting: what it is, its value, and whether and how it can be changed. */
export const Setting = object({
  name: text('Environment variable, and name for `PATCH /system/settings`.'),
  group: oneOf(SETTING_GROUPS, { title: 'SettingGroup' }),
  label: text('Name for people.'),
  description: text('What it does.'),
  type: oneOf(['string', 'url', 'addresses', 'int', 'flag', 'enum']),
  values: Type.Optional(Type.Array(Type.String(), { description: 'Of an `enum`.' })),
  min: Type.Optional(Type.Integer()),
  max: Type.Optional(Type.Integer()),
  schemes: Type.Optional(Type.Array(Type.String(), { description: 'Of a `url`, without the colon.' })),
  secret: Type.Boolean({ description: 'Can be set, but is never returned.' }),
  change: oneOf(['live', 'restart', 'start'], {
    description:
      '`live`: a stored value applies immediately. `restart`: it applies after a restart. `start`: it can only be set where the daemon is started.',
  }),
  test: nullable(oneOf(CONNECTIONS), { description: 'Connection that is tested before a new value is stored.' }),
  default: SettingValue,
  value: SettingValue,
  isSet: Type.Boolean({ description: 'It has a value.' }),
  shown: nullable(Type.String(), {
    description: 'What may be seen of a secret: host and port of an address, the first characters of an API key.',
  }),
  origin: oneOf(ORIGINS, { title: 'SettingOrigin', description: 'Source of the active value.' }),
  lockedBy: nullable(Type.String(), {
    description: 'What takes precedence over a stored value, e.g. `LIVEKIT_URL in the environment`.',
  }),
  pending: Type.Boolean({ description: 'Another value is stored, which takes effect after a restart.' }),
  pendingValue: SettingValue,
  problem: nullable(Type.String(), { description: 'Why the stored value is not used.' }),
  howToChange: text('Commands that set it where the daemon is started; they never contain the current value.'),
  changed: nullable(
    object({
      at: Instant,
      by: text('Who stored it.'),
      revision: Type.Integer({ description: 'For `POST /system/settings/undo`.' }),
    }),
  ),
});
export type Setting = Static<typeof Setting>;

/** Texts, numbers and so on by variable. */
const Values = Type.Record(Type.String({ pattern: '^[A-Z][A-Z0-9_]{0,63}$' }), SettingValue, {
  description:
    'New values by environment variable, e.g. `{"LIVEKIT_URL": "wss://media.example.com"}`. Null removes the stored value, so that the default applies.',
  maxProperties: 100,
});

export const PatchSettingsBody = object({
  values: Values,
  saveUntested: Type.Optional(
    Type.Boolean({ description: 'Store the values although the test of a connection fails. Default: false.' }),
  ),
});
export type PatchSettingsBody = Static<typeof PatchSettingsBody>;

export const UndoSettingsBody = object({
  revision: Type.Integer({
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
    description: 'The change to undo: `changed.revision` of its settings.',
  }),
});

/** For a test with values that are not stored yet. */
export const TestConnectionBody = object({
  values: Type.Optional(Values),
  sendMail: Type.Optional(
    Type.Boolean({ description: 'Of `mail`: also send a mail to the address of the person who asks.' }),
  ),
});
export type TestConnectionBody = Static<typeof TestConnectionBody>;

export const SettingsIfMatch = Type.Object({
  'if-match': Type.Optional(
    Type.String({ maxLength: 1024, description: 'Write only if the settings still have this ETag.' }),
  ),
});

/** How the daemon was started, as far as it can tell. */
export const Installation = object({
  kind: oneOf(['systemd', 'kubernetes', 'container', 'pm2', 'npm', 'desktop', 'shell']),
  setCommand: text('How to set a variable here; `NAME=value` is the placeholder.'),
  restartCommand: text('How to restart the daemon here.'),
});
export type Installation = Static<typeof Installation>;

export const Guidance = object({
  setting: text('What it sets, in words.'),
  envVar: text('Environment variable that sets it.'),
  origin: oneOf(ORIGINS, { description: 'Source of the active value.' }),
  howToChange: text('Commands to copy; they never contain the current value.'),
});
export type Guidance = Static<typeof Guidance>;

/** Something about the installation that a person should change. */
export const InstallationWarning = object({
  code: text('Code of the warning, e.g. `PROXY_NOT_TRUSTED`.'),
  subject: text('The address, folder or setting concerned.'),
  message: text('What is wrong, what it causes, and what to change.'),
});
export type InstallationWarning = Static<typeof InstallationWarning>;

/** The active configuration, without secrets. */
export const SystemSettings = object({
  core: object({
    nodeEnv: text('`development` or `production`.'),
    port: Type.Integer(),
    host: text('Listening address.'),
    publicBaseUrl: text('Empty if unset. User info is removed.'),
    publicWsUrl: text('Empty if unset. User info is removed.'),
    rtmpPublicHost: text('Empty if unset.'),
    logLevel: text('Lowest log level.'),
    logRetentionDays: Type.Integer({ description: '0: no age limit.' }),
    authzEnforce: oneOf(['off', 'log', 'on'], { description: 'The active mode.' }),
    redisUrl: text('Only `host:port`.'),
    dataDir: text('Root folder of all files.'),
  }),
  auth: object({
    adminUser: text('Name of the break-glass superadmin; empty if unset.'),
    jwtSecretSet: set('The session secret'),
    adminPassSet: set('The admin password'),
    smtpConfigured: Type.Boolean({ description: 'Mail is configured.' }),
    superadminEmail: text('Empty if unset.'),
  }),
  livekit: object({
    url: text('User info is removed.'),
    apiKeySet: set('The API key'),
    apiKeyMasked: text('Its first characters and “…”; empty if unset.'),
  }),
  cluster: object({
    enabled: Type.Boolean(),
    redisConfigured: Type.Boolean(),
    redisUrl: text('The Redis address that joining nodes get, as `host:port`. Empty if unset.'),
    nodesCount: Type.Integer(),
  }),
  metrics: object({ tokenSet: set('The scrape token') }),
  storage: object({ dataDir: Type.String(), dbSizeBytes: Type.Integer(), appsCount: Type.Integer() }),
  versions: object({ core: Type.String(), node: Type.String() }),
  runtime: object({
    uptimeSeconds: Type.Integer(),
    pid: Type.Integer(),
    platform: Type.String(),
    memoryRssBytes: Type.Integer(),
    wasWatched: Type.Boolean({ description: 'Someone has watched a stream.' }),
    safeMode: Type.Boolean({ description: 'Started with --safe: only built-in plugins run.' }),
    envFile: Type.Optional(text('The env file that is read at start.')),
    unit: Type.Optional(nullable(Type.String({ description: 'The systemd unit, if the daemon runs as one.' }))),
  }),
  ports: object({
    core: Type.Integer(),
    livekitSignaling: Type.Integer(),
    livekitTcp: Type.Integer(),
    livekitUdp: Type.Integer(),
    rtmp: Type.Integer(),
    whip: Type.Integer(),
  }),
  etag: text('For `If-Match`; also in the header `ETag`.'),
  settings: Type.Array(Setting, { description: 'Every setting, in the order of the groups.' }),
  installation: Installation,
  warnings: Type.Array(InstallationWarning, { description: 'Problems that the daemon found in its installation.' }),
  guidance: Type.Record(Type.String(), Type.Array(Guidance), { description: 'How to change each setting, by group.' }),
});
export type SystemSettings = Static<typeof SystemSettings>;
