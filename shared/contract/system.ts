import { Type } from 'typebox';
import { envelope } from '../schema/common.ts';
import { ConnectionParams, ConnectionTest } from '../schema/connections.ts';
import { GpuQuery, GpuStatus } from '../schema/gpu.ts';
import { SystemSettings } from '../schema/settings.ts';
import { AppFigures, Health, Readiness, ServerStats } from '../schema/stats.ts';
import { operation } from './operation.ts';

const tag = 'Stats and settings';

export const getHealth = operation({
  id: 'getHealth',
  method: 'GET',
  path: '/health',
  tag,
  summary: 'Liveness',
  description: 'Answers as long as the process serves; nothing that it depends on is tested.',
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
    'Tests what the daemon cannot work without: its registry, its data directory, free space on the disk, and whether what it gathers can be written. LiveKit, Redis and S3 do not count.',
  access: 'public',
  responses: { 200: Readiness },
  errors: ['NOT_READY'],
});

export const getStats = operation({
  id: 'getStats',
  method: 'GET',
  path: '/stats',
  tag,
  summary: 'The server at a glance',
  description:
    'CPU, memory, disk, LiveKit, apps, streams and storage. Always 200: a part that cannot be told degrades alone. Cached for about a second. Callers without global scope get the counts of the apps that they may see; for a token of one app the figures of the machine are 0 and `disk` is null (`host: false`).',
  access: 'bearer',
  responses: { 200: ServerStats },
});

export const listAppFigures = operation({
  id: 'listAppFigures',
  method: 'GET',
  path: '/stats/apps',
  tag,
  summary: 'Streams, recordings and sizes of every app that the caller may see',
  description: 'One answer for a whole list, in the order of `GET /apps`. At most about ten seconds old.',
  access: { permission: 'app:read' },
  responses: { 200: envelope(Type.Array(AppFigures)) },
});

export const getSettings = operation({
  id: 'getSettings',
  method: 'GET',
  path: '/system/settings',
  tag,
  summary: 'Configuration in force, secrets left out',
  description: 'Read-only. `guidance` has commands to copy for each setting.',
  access: 'global',
  responses: { 200: envelope(SystemSettings) },
});

export const testConnection = operation({
  id: 'testConnection',
  method: 'POST',
  path: '/system/connections/{connection}/test',
  tag,
  summary: 'Try LiveKit, Redis or the mail server, step by step',
  description:
    'Reads the settings in force, resolves, connects, signs in and asks for what StreamHub needs of it. Nothing is changed and no mail is sent. A failure is an answer, not an error. Callers at the same time share one test.',
  access: 'global',
  params: ConnectionParams,
  responses: { 200: envelope(ConnectionTest) },
  audit: 'connection.test',
});

export const getGpu = operation({
  id: 'getGpu',
  method: 'GET',
  path: '/system/gpu',
  tag,
  summary: 'GPU of the server',
  description:
    'The finding of the last probe. With `refresh` it is probed again, at most once in 5 s. A token of one app sees whether there is one, not its devices, and starts no probe.',
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
  description: 'Callers at the same time share one probe; within 5 s of the last one its finding is answered.',
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
  summary: 'Metrics for Prometheus',
  description: 'Needs METRICS_TOKEN, as Bearer or as `?token=`; 404 while it is unset, 403 when it does not match.',
  access: 'metrics',
  query: Type.Object({
    token: Type.Optional(Type.String({ description: 'METRICS_TOKEN, for scrapers that cannot send a header.' })),
  }),
  responses: { 200: Type.String() },
  errors: ['METRICS_DISABLED', 'METRICS_FORBIDDEN'],
  produces: 'text/plain; version=0.0.4; charset=utf-8',
});
