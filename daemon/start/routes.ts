import type { FastifyInstance } from 'fastify';
import { configRoutes } from '#daemon/apps/config/routes.ts';
import { deliveryRoutes } from '#daemon/apps/delivery/routes.ts';
import { presetRoutes } from '#daemon/apps/presets/routes.ts';
import { appRoutes } from '#daemon/apps/registry/routes.ts';
import { storageRoutes } from '#daemon/apps/storage/routes.ts';
import { clusterRootRoutes, clusterRoutes } from '#daemon/cluster/routes.ts';
import { auditRoutes } from '#daemon/identity/audit/routes.ts';
import { authRoutes } from '#daemon/identity/auth/routes.ts';
import { securityRoutes } from '#daemon/identity/security/routes.ts';
import { teamRoutes } from '#daemon/identity/teams/routes.ts';
import { tokenRoutes } from '#daemon/identity/tokens/routes.ts';
import { callbackRoutes } from '#daemon/media/callbacks/routes.ts';
import { ingressRoutes } from '#daemon/media/ingress/routes.ts';
import { liveHlsRoutes } from '#daemon/media/live-hls/routes.ts';
import { mqttRoutes } from '#daemon/media/mqtt/routes.ts';
import { pageRoutes } from '#daemon/media/pages/page-routes.ts';
import { watchRoutes } from '#daemon/media/pages/routes.ts';
import { recordingRoutes } from '#daemon/media/recording/routes.ts';
import { roomRoutes } from '#daemon/media/rooms/routes.ts';
import { sessionRoutes } from '#daemon/media/sessions/routes.ts';
import { streamRoutes } from '#daemon/media/streams/routes.ts';
import { telemetryRoutes } from '#daemon/media/telemetry/routes.ts';
import { vodRoutes } from '#daemon/media/vods/routes.ts';
import { webhookRoutes } from '#daemon/media/webhooks/routes.ts';
import { alertRoutes } from '#daemon/operations/alerts/routes.ts';
import { connectionRoutes } from '#daemon/operations/connections/routes.ts';
import { consoleRoutes } from '#daemon/operations/console/routes.ts';
import { doctorRoutes } from '#daemon/operations/doctor/routes.ts';
import { gpuRoutes } from '#daemon/operations/gpu/routes.ts';
import { historyRoutes } from '#daemon/operations/history/routes.ts';
import { metricsRoutes } from '#daemon/operations/metrics/routes.ts';
import { qualityRoutes } from '#daemon/operations/quality/routes.ts';
import { systemRoutes } from '#daemon/operations/system/routes.ts';
import { usageRoutes } from '#daemon/operations/usage/routes.ts';
import { basePath } from '#daemon/platform/base-path.ts';
import { eventRoutes } from '#daemon/platform/events/routes.ts';
import { jobRoutes } from '#daemon/platform/jobs/routes.ts';
import { logRoutes } from '#daemon/platform/logs/routes.ts';
import { pluginRoutes } from '#daemon/plugins/routes.ts';
import type { Services } from './services.ts';

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
  deliveryRoutes(app, services);
  storageRoutes(app, services);
  systemRoutes(app, services);
  connectionRoutes(app, services);
  doctorRoutes(app, services);
  historyRoutes(app, services);
  qualityRoutes(app, services);
  alertRoutes(app, services);
  usageRoutes(app, services);
  gpuRoutes(app, services);
  logRoutes(app, services);
  clusterRoutes(app, services);
  streamRoutes(app, services);
  roomRoutes(app, services);
  sessionRoutes(app, services);
  telemetryRoutes(app, services);
  watchRoutes(app, services);
  ingressRoutes(app, services);
  vodRoutes(app, services);
  liveHlsRoutes(app, services);
  recordingRoutes(app, services);
  webhookRoutes(app, services);
  callbackRoutes(app, services);
  mqttRoutes(app, services);
  eventRoutes(app, services);
}

/** Routes at the server's root. */
export function rootRoutes(app: FastifyInstance, services: Services): void {
  metricsRoutes(app, services);
  clusterRootRoutes(app, services);
  pageRoutes(app, services);
  consoleRoutes(app, services.console, () => basePath(services.settings));
}
