import { type Static, Type } from 'typebox';
import { nullable, object, oneOf } from './common.ts';

const text = (description: string) => Type.String({ description });
const set = (what: string) => Type.Boolean({ description: `${what} is set. The value itself is never answered.` });

export const Guidance = object({
  setting: text('What it is, in words.'),
  envVar: text('Variable that sets it.'),
  origin: oneOf(['default', 'file', 'environment', 'flag'], { description: 'Where the value in force came from.' }),
  howToChange: text('Commands to copy; never hold the present value.'),
});
export type Guidance = Static<typeof Guidance>;

/** Something about the installation that a person should change. */
export const InstallationWarning = object({
  code: text('What was noticed, e.g. `PROXY_NOT_TRUSTED`.'),
  subject: text('The address, folder or setting that it is about.'),
  message: text('What is so, what follows, and what to change.'),
});
export type InstallationWarning = Static<typeof InstallationWarning>;

/** The configuration in force, with every secret left out. Read-only: there is no route that writes it. */
export const SystemSettings = object({
  core: object({
    nodeEnv: text('`development` or `production`.'),
    port: Type.Integer(),
    host: text('Address listened on.'),
    publicBaseUrl: text('Empty when unset; user info is cut out.'),
    publicWsUrl: text('Empty when unset; user info is cut out.'),
    rtmpPublicHost: text('Empty when unset.'),
    logLevel: text('Lowest level written.'),
    logRetentionDays: Type.Integer({ description: '0 = no age limit.' }),
    authzEnforce: oneOf(['off', 'log', 'on'], { description: 'The mode in force.' }),
    redisUrl: text('`host:port` only.'),
    dataDir: text('Root of all files.'),
  }),
  auth: object({
    adminUser: text('Name of the break-glass superadmin; empty when unset.'),
    jwtSecretSet: set('The session secret'),
    adminPassSet: set('The admin password'),
    smtpConfigured: Type.Boolean({ description: 'Mail can be sent.' }),
    superadminEmail: text('Empty when unset.'),
  }),
  livekit: object({
    url: text('User info is cut out.'),
    apiKeySet: set('The API key'),
    apiKeyMasked: text('Its first characters and “…”; empty when unset.'),
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
    safeMode: Type.Boolean({ description: 'Started with --safe: plugins that are not built in stay off.' }),
    envFile: Type.Optional(text('The env file that is read at start.')),
    unit: Type.Optional(nullable(Type.String({ description: 'The systemd unit, where it runs as one.' }))),
  }),
  ports: object({
    core: Type.Integer(),
    livekitSignaling: Type.Integer(),
    livekitTcp: Type.Integer(),
    livekitUdp: Type.Integer(),
    rtmp: Type.Integer(),
    whip: Type.Integer(),
  }),
  warnings: Type.Array(InstallationWarning, { description: 'What the daemon noticed about its installation.' }),
  guidance: Type.Record(Type.String(), Type.Array(Guidance), { description: 'By group: how each setting is changed.' }),
});
export type SystemSettings = Static<typeof SystemSettings>;
