import type { FastifyInstance, FastifyReply } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import type { Actor, AuditNote } from '#daemon/platform/http/types.ts';
import * as contract from '#shared/contract/livekit.ts';
import { ok } from '#shared/schema/common.ts';
import type { RollOut } from '#shared/schema/livekit.ts';
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
  const tagged = (reply: FastifyReply) => {
    const settings = managedLiveKit.ownSettings();
    reply.header('etag', settings.etag);
    return ok(settings);
  };
  const stored = (text: string, how: RollOut | undefined, actor: Actor, ifMatch?: string): AuditNote => {
    const { own } = managedLiveKit;
    const before = own.latest?.text ?? '';
    own.save(text, actor, ifMatch);
    managedLiveKit.rollOut(how);
    return { target: `revision ${own.latest?.revision ?? 0}`, before: { text: before }, after: { text } };
  };
  route(app, contract.getLiveKitSettings, ({ reply }) => tagged(reply));
  route(app, contract.putLiveKitSettings, ({ body, actor, request, reply, audit }) => {
    audit(stored(body.text, body.rollOut, actor, request.headers['if-match']));
    return tagged(reply);
  });
  route(app, contract.restoreLiveKitSettings, ({ body, actor, reply, audit }) => {
    audit(stored(managedLiveKit.own.require(body.revision).text, body.rollOut, actor));
    return tagged(reply);
  });
  route(app, contract.rotateLiveKitKeys, async ({ body, reply }) => {
    await managedLiveKit.changeKeys('rotate', body.rollOut);
    return tagged(reply);
  });
  route(app, contract.retireLiveKitKey, async ({ body, reply }) => {
    await managedLiveKit.changeKeys('retire', body.rollOut);
    return tagged(reply);
  });
}
