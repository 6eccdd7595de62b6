import type { FastifyInstance } from 'fastify';
import { bearer } from '#daemon/platform/http/authenticate.ts';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/telemetry.ts';
import { ok } from '#shared/schema/common.ts';
import type { TelemetryService } from './service.ts';

/** What clients measure; their pages can be on any site. */
export function telemetryRoutes(app: FastifyInstance, { telemetry }: { telemetry: TelemetryService }): void {
  route(app, ops.reportTelemetry, async ({ params, body, request }) =>
    ok(await telemetry.take(params.app, bearer(request.headers.authorization), body)),
  );
  route(app, ops.getSessionQuality, async ({ params }) => ok(await telemetry.session(params.app, params.id)));
  route(app, ops.getStayQuality, ({ params }) => ok(telemetry.stay(params.app, params.id, params.stay)));
}
