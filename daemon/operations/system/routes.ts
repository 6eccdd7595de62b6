import type { FastifyInstance } from 'fastify';
import type { AppService } from '#daemon/apps/registry/service.ts';
import { route } from '#daemon/platform/http/route.ts';
import { getHealth, getReady, getSettings, getStats, listAppFigures } from '#shared/contract/system.ts';
import { ok } from '#shared/schema/common.ts';
import type { HealthService } from './health.ts';
import type { SettingsService } from './settings.ts';
import type { StatsService } from './stats.ts';

export interface SystemServices {
  apps: AppService;
  health: HealthService;
  stats: StatsService;
  systemSettings: SettingsService;
}

/** Health, readiness, stats and settings. */
export function systemRoutes(app: FastifyInstance, { apps, health, stats, systemSettings }: SystemServices): void {
  route(app, getHealth, () => health.health(), { memo: true });
  route(app, getReady, () => health.ready());
  route(app, getStats, ({ principal }) => stats.statsFor(principal));
  route(app, listAppFigures, async ({ principal }) =>
    ok(await stats.figuresOf(apps.visible(principal).map(({ name }) => name))),
  );
  route(app, getSettings, async () => ok(await systemSettings.read()));
}
