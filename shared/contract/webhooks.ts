import { envelope } from '../schema/common.ts';
import { LiveKitStatus, WebhookAnswer } from '../schema/webhooks.ts';
import { operation } from './operation.ts';

export const receiveLiveKitWebhook = operation({
  id: 'receiveLiveKitWebhook',
  method: 'POST',
  path: '/webhooks/livekit',
  tag: 'LiveKit',
  summary: 'Receive an event from LiveKit',
  description:
    'The target for LiveKit’s `webhook.urls`. Needs `Content-Type: application/webhook+json` and an `Authorization` JWT, signed with the API secret, that contains the SHA-256 of the body. Answers when the event is stored. An event sent twice has one effect.',
  access: 'webhook',
  responses: { 200: WebhookAnswer },
  errors: ['WEBHOOK_SIGNATURE', 'WEBHOOK_UNREADABLE', 'WEBHOOK_NOT_STORED', 'LIVEKIT_NOT_CONFIGURED', 'BODY_TOO_LARGE'],
  bodyLimit: 1_048_576,
});

export const getLiveKit = operation({
  id: 'getLiveKit',
  method: 'GET',
  path: '/system/livekit',
  tag: 'LiveKit',
  summary: 'Get the state of the connection to LiveKit',
  description:
    'Whether LiveKit is reachable and why not, whether webhooks arrive, and which rows were corrected without them.',
  access: 'global',
  responses: { 200: envelope(LiveKitStatus) },
});
