import { type Static, Type } from 'typebox';
import { nullable, object, oneOf } from './common.ts';

const text = (description: string) => Type.String({ description });
const set = (what: string) => Type.Boolean({ description: `${what} is set. The value is never returned.` });

export const Guidance = object({
  setting: text('What it sets, in words.'),
  envVar: text('Environment variable that sets it.'),
  origin: oneOf(['default', 'file', 'environment', 'flag'], { description: 'Source of the active value.' }),
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

/** The active configuration, without secrets. Read-only: there is no route that writes it. */
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
  cluster: object({ enabled: Type.Boolean(), redisConfigured: Type.Boolean(), nodesCount: Type.Integer() }),
  metrics: object({ tokenSet: set('The scrape token') }),
  storage: object({ dataDir: Type.String(), dbSizeBytes: Type.Integer(), appsCount: Type.Integer() }),
  versions: object({ core: Type.String(), node: Type.String() }),
  runtime: object({
    uptimeSeconds: Type.Integer(),
    pid: Type.Integer(),
    platform: Type.String(),
    memoryRssBytes: Type.Integer(),
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
  warnings: Type.Array(InstallationWarning, { description: 'Problems that the daemon found in its installation.' }),
  guidance: Type.Record(Type.String(), Type.Array(Guidance), { description: 'How to change each setting, by group.' }),
});
export type SystemSettings = Static<typeof SystemSettings>;
