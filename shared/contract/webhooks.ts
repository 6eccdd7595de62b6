import { envelope } from '../schema/common.ts';
import { LiveKitStatus, WebhookAnswer } from '../schema/webhooks.ts';
import { operation } from './operation.ts';

export const receiveLiveKitWebhook = operation({
  id: 'receiveLiveKitWebhook',
  method: 'POST',
  path: '/webhooks/livekit',
  tag: 'LiveKit',
  summary: 'Receive an event of LiveKit',
  description:
    'For LiveKit’s `webhook.urls`: `Content-Type: application/webhook+json`, and in `Authorization` a JWT signed with the API secret that holds the SHA-256 of the body. Answered once the event is stored; an event sent twice has one effect.',
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
  summary: 'How the daemon and LiveKit get on',
  description: 'Reachable or not and why, whether webhooks arrive, and what had to be put right without them.',
  access: 'global',
  responses: { 200: envelope(LiveKitStatus) },
});
