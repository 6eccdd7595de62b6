import type { FastifyInstance, FastifyReply } from 'fastify';
import type { AppService } from '#daemon/apps/registry/service.ts';
import { route } from '#daemon/platform/http/route.ts';
import {
  getHealth,
  getReady,
  getSettings,
  getStats,
  listAppFigures,
  patchSettings,
  undoSettings,
} from '#shared/contract/system.ts';
import { ok } from '#shared/schema/common.ts';
import type { HealthService } from './health.ts';
import type { SettingsService } from './settings.ts';
import type { SettingsEditor } from './settings-editor.ts';
import type { StatsService } from './stats.ts';

export interface SystemServices {
  apps: AppService;
  health: HealthService;
  stats: StatsService;
  systemSettings: SettingsService;
  settingsEditor: SettingsEditor;
}

/** Health, readiness, stats and settings. */
export function systemRoutes(
  app: FastifyInstance,
  { apps, health, stats, systemSettings, settingsEditor }: SystemServices,
): void {
  route(app, getHealth, () => health.health(), { memo: true });
  route(app, getReady, () => health.ready());
  route(app, getStats, ({ principal }) => stats.statsFor(principal));
  route(app, listAppFigures, async ({ principal }) =>
    ok(await stats.figuresOf(apps.visible(principal).map(({ name }) => name))),
  );
  const tagged = async (reply: FastifyReply) => {
    reply.header('etag', systemSettings.etag);
    return ok(await systemSettings.read());
  };
  route(app, getSettings, ({ reply }) => tagged(reply));
  route(app, patchSettings, async ({ body, actor, request, reply, audit }) => {
    audit(await settingsEditor.change(body, actor, request.headers['if-match']));
    return tagged(reply);
  });
  route(app, undoSettings, async ({ body, actor, request, reply, audit }) => {
    audit(await settingsEditor.undo(body.revision, actor, request.headers['if-match']));
    return tagged(reply);
  });
}
