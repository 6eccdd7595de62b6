import { Type } from 'typebox';
import { CheckReport, ProbeAnswer, ProbeParams } from '../schema/check.ts';
import { envelope } from '../schema/common.ts';
import { ConnectionParams, ConnectionTest } from '../schema/connections.ts';
import { GpuQuery, GpuStatus } from '../schema/gpu.ts';
import {
  PatchSettingsBody,
  SettingsIfMatch,
  SystemSettings,
  TestConnectionBody,
  UndoSettingsBody,
} from '../schema/settings.ts';
import { AppFigures, Health, Readiness, ServerStats } from '../schema/stats.ts';
import { operation } from './operation.ts';

const tag = 'Stats and settings';

export const getHealth = operation({
  id: 'getHealth',
  method: 'GET',
  path: '/health',
  tag,
  summary: 'Liveness',
  description: 'Returns 200 while the process runs. Dependencies are not checked.',
  access: 'public',
  responses: { 200: Health },
});

export const getReady = operation({
  id: 'getReady',
  method: 'GET',
  path: '/ready',
  tag,
  summary: 'Readiness',
  description:
    'Checks what the daemon needs: its registry, its data directory, free disk space, and whether collected data can be written. LiveKit, Redis and S3 are not included.',
  access: 'public',
  responses: { 200: Readiness },
  errors: ['NOT_READY'],
});

export const getStats = operation({
  id: 'getStats',
  method: 'GET',
  path: '/stats',
  tag,
  summary: 'Get an overview of the server',
  description:
    'CPU, memory, disk, LiveKit, apps, streams and storage. Always 200: values that are not available are null or 0. Cached for about one second. Without global scope, counts include only the apps that you may see. For an app token the machine’s values are 0 and `disk` is null (`host: false`).',
  access: 'bearer',
  responses: { 200: ServerStats },
});

export const listAppFigures = operation({
  id: 'listAppFigures',
  method: 'GET',
  path: '/stats/apps',
  tag,
  summary: 'Get streams, recordings and sizes of every app that you may see',
  description: 'One answer for the whole list, in the order of `GET /apps`. Up to about ten seconds old.',
  access: { permission: 'app:read' },
  responses: { 200: envelope(Type.Array(AppFigures)) },
});

export const getSettings = operation({
  id: 'getSettings',
  method: 'GET',
  path: '/system/settings',
  tag,
  summary: 'Get the active configuration, without secrets',
  description:
    '`settings` lists every setting, with its value, where the value comes from, and whether it can be changed over the API. `guidance` lists commands for changing settings where the daemon is started.',
  access: 'global',
  hasEtag: true,
  responses: { 200: envelope(SystemSettings) },
});

export const patchSettings = operation({
  id: 'patchSettings',
  method: 'PATCH',
  path: '/system/settings',
  tag,
  summary: 'Change settings',
  description:
    'Stores values for settings whose `change` is `live` or `restart`. New values for LiveKit, Redis and mail are tested before they are stored. If a test fails, nothing is stored, and `test` in the answer has its steps. Values of the env file, the environment and flags take precedence, so those settings are refused. Secrets are stored in `data/secrets.json` and never returned.',
  access: 'global',
  headers: SettingsIfMatch,
  body: PatchSettingsBody,
  hasEtag: true,
  responses: { 200: envelope(SystemSettings) },
  errors: ['SETTING_LOCKED', 'SETTINGS_TEST_FAILED', 'SETTINGS_SHUT_YOU_OUT', 'PRECONDITION_FAILED'],
  audit: 'settings.change',
});

export const undoSettings = operation({
  id: 'undoSettings',
  method: 'POST',
  path: '/system/settings/undo',
  tag,
  summary: 'Undo a change of settings',
  description:
    'Brings back the previous values of the settings that have this revision, secrets included, without a test. Undo the undo to have the newer values again.',
  access: 'global',
  headers: SettingsIfMatch,
  body: UndoSettingsBody,
  hasEtag: true,
  responses: { 200: envelope(SystemSettings) },
  errors: ['SETTINGS_NOT_UNDOABLE', 'SETTINGS_SHUT_YOU_OUT', 'PRECONDITION_FAILED'],
  audit: 'settings.undo',
});

export const testConnection = operation({
  id: 'testConnection',
  method: 'POST',
  path: '/system/connections/{connection}/test',
  tag,
  summary: 'Test LiveKit, Redis or the mail server, step by step',
  description:
    'Uses the active settings, or `values` where you send some: resolves the address, connects, signs in and requests what StreamHub needs. Changes nothing, and sends a mail only with `sendMail`. A failed step is a result, not an error. Simultaneous callers share one test.',
  access: 'global',
  params: ConnectionParams,
  body: TestConnectionBody,
  bodyOptional: true,
  errors: ['SETTING_LOCKED'],
  responses: { 200: envelope(ConnectionTest) },
  audit: 'connection.test',
});

export const checkInstallation = operation({
  id: 'checkInstallation',
  method: 'POST',
  path: '/system/check',
  tag,
  summary: 'Check the installation',
  description:
    'Looks at the machine, files, databases, addresses, LiveKit, Redis, mail, storages and nodes, and says what is wrong and what you can do. The answer holds no secrets, so you can attach it to a question. Nodes of the cluster try LiveKit’s ports from outside. It takes up to 25 seconds. LiveKit gets a room for a second, to see whether its webhooks arrive, and each storage an object. Simultaneous callers share one check.',
  access: 'global',
  responses: { 200: envelope(CheckReport) },
  audit: 'system.check',
});

export const answerProbe = operation({
  id: 'answerProbe',
  method: 'GET',
  path: '/system/check/probes/{nonce}',
  tag,
  summary: 'Show how a request of the check arrived',
  description:
    'The check requests this through the public address, to see whether it leads here and what a proxy adds. It answers only while that request is under way.',
  access: 'public',
  params: ProbeParams,
  responses: { 200: ProbeAnswer },
  errors: ['PROBE_UNKNOWN'],
});

export const getGpu = operation({
  id: 'getGpu',
  method: 'GET',
  path: '/system/gpu',
  tag,
  summary: 'Get the server’s GPU',
  description:
    'Returns the result of the last probe. `refresh` probes again, as `POST /system/gpu/refresh` does. With an app token you see only whether there is a GPU, and `refresh` has no effect.',
  access: 'bearer',
  query: GpuQuery,
  responses: { 200: GpuStatus },
});

export const refreshGpu = operation({
  id: 'refreshGpu',
  method: 'POST',
  path: '/system/gpu/refresh',
  tag,
  summary: 'Probe the GPU again',
  description:
    'Simultaneous callers share one probe. A GPU is probed at most once in 5 s: within 5 s of the last probe, the answer waits for the next one. `checkedAt` says when it was probed.',
  access: 'bearer',
  responses: { 200: GpuStatus },
  audit: false,
});

export const getMetrics = operation({
  id: 'getMetrics',
  method: 'GET',
  path: '/metrics',
  root: true,
  tag,
  summary: 'Get metrics for Prometheus',
  description:
    'Needs METRICS_TOKEN, as a Bearer token or `?token=`. Returns 404 if it isn’t set and 403 if it doesn’t match.',
  access: 'metrics',
  query: Type.Object({
    token: Type.Optional(Type.String({ description: 'METRICS_TOKEN, for scrapers that cannot send headers.' })),
  }),
  responses: { 200: Type.String() },
  errors: ['METRICS_DISABLED', 'METRICS_FORBIDDEN'],
  produces: 'text/plain; version=0.0.4; charset=utf-8',
});
