import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import * as contract from '#shared/contract/livekit.ts';
import { ok } from '#shared/schema/common.ts';
import type { ManagedLiveKitService } from './service.ts';

/** LiveKit on the daemon's machine. */
export function livekitRoutes(
  app: FastifyInstance,
  { managedLiveKit }: { managedLiveKit: ManagedLiveKitService },
): void {
  route(app, contract.getManagedLiveKit, async () => ok(await managedLiveKit.status()));
  route(app, contract.startManagedLiveKit, async () => ok(await managedLiveKit.order('start')));
  route(app, contract.stopManagedLiveKit, async ({ body }) => ok(await managedLiveKit.order('stop', body.now)));
  route(app, contract.restartManagedLiveKit, async ({ body }) => ok(await managedLiveKit.order('restart', body.now)));
}
