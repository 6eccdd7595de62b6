import type { FastifyInstance } from 'fastify';
import { route } from '#daemon/platform/http/route.ts';
import * as ops from '#shared/contract/webhooks.ts';
import { ok } from '#shared/schema/common.ts';
import type { LiveKitStatusView } from './livekit-status.ts';
import type { WebhookService } from './service.ts';

export function webhookRoutes(
  app: FastifyInstance,
  { webhooks, livekitStatus }: { webhooks: WebhookService; livekitStatus: LiveKitStatusView },
): void {
  route(app, ops.getLiveKit, ({ request }) => ok(livekitStatus.tell(`${request.protocol}://${request.host}`)));
  void app.register(async (scope) => {
    // the signature covers the bytes as they came, so the body stays text here
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
    route(scope, ops.receiveLiveKitWebhook, async ({ request }) => {
      await webhooks.receive(typeof request.body === 'string' ? request.body : '', request.headers.authorization);
      return { ok: true as const };
    });
  });
}
