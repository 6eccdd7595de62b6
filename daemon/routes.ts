import type { FastifyInstance } from 'fastify';
import { appRoutes } from './apps/routes.ts';
import { auditRoutes } from './audit/routes.ts';
import { authRoutes } from './auth/routes.ts';
import { callbackRoutes } from './callbacks/routes.ts';
import { clusterRootRoutes, clusterRoutes } from './cluster/routes.ts';
import { configRoutes } from './config/routes.ts';
import { connectionRoutes } from './connections/routes.ts';
import { consoleRoutes } from './console/routes.ts';
import { eventRoutes } from './events/routes.ts';
import { gpuRoutes } from './gpu/routes.ts';
import { historyRoutes } from './history/routes.ts';
import { ingressRoutes } from './ingress/routes.ts';
import { jobRoutes } from './jobs/routes.ts';
import { logRoutes } from './logs/routes.ts';
import { metricsRoutes } from './metrics/routes.ts';
import { pluginRoutes } from './plugins/routes.ts';
import { presetRoutes } from './presets/routes.ts';
import { recordingRoutes } from './recording/routes.ts';
import { securityRoutes } from './security/routes.ts';
import type { Services } from './services.ts';
import { storageRoutes } from './storage/routes.ts';
import { streamRoutes } from './streams/routes.ts';
import { systemRoutes } from './system/routes.ts';
import { teamRoutes } from './teams/routes.ts';
import { tokenRoutes } from './tokens/routes.ts';
import { vodRoutes } from './vods/routes.ts';
import { webhookRoutes } from './webhooks/routes.ts';

/** Routes below `/api/v1`, one line a capability. */
export function apiRoutes(app: FastifyInstance, services: Services): void {
  authRoutes(app, services);
  teamRoutes(app, services);
  securityRoutes(app, services);
  auditRoutes(app, services);
  appRoutes(app, services);
  configRoutes(app, services);
  tokenRoutes(app, services);
  jobRoutes(app, services);
  pluginRoutes(app, services);
  presetRoutes(app, services);
  storageRoutes(app, services);
  systemRoutes(app, services);
  connectionRoutes(app, services);
  historyRoutes(app, services);
  gpuRoutes(app, services);
  logRoutes(app, services);
  clusterRoutes(app, services);
  streamRoutes(app, services);
  ingressRoutes(app, services);
  vodRoutes(app, services);
  recordingRoutes(app, services);
  webhookRoutes(app, services);
  callbackRoutes(app, services);
  eventRoutes(app, services);
}

/** Routes at the server's root. */
export function rootRoutes(app: FastifyInstance, services: Services): void {
  metricsRoutes(app, services);
  clusterRootRoutes(app, services);
  consoleRoutes(app, services.console);
}
