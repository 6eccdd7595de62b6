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
  description: 'Read-only. `guidance` lists commands for changing each setting.',
  access: 'global',
  responses: { 200: envelope(SystemSettings) },
});

export const testConnection = operation({
  id: 'testConnection',
  method: 'POST',
  path: '/system/connections/{connection}/test',
  tag,
  summary: 'Test LiveKit, Redis or the mail server, step by step',
  description:
    'Uses the active settings: resolves the address, connects, signs in and requests what StreamHub needs. Changes nothing and sends no mail. A failed step is a result, not an error. Simultaneous callers share one test.',
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
  summary: 'Get the server’s GPU',
  description:
    'Returns the result of the last probe. `refresh` probes again, at most once in 5 s. With an app token you see only whether there is a GPU, and `refresh` has no effect.',
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
  description: 'Simultaneous callers share one probe. Within 5 s of the last probe, its result is returned.',
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
