import type { WebhookRejection } from '#shared/schema/webhooks.ts';
import { LEEWAY_S } from '../livekit/signature.ts';

/** Why a webhook was refused and what to do, in words. */
export function explainRejection(cause: WebhookRejection, clockMs: number | null): { reason: string; hint: string } {
  const seconds = Math.abs(Math.round((clockMs ?? 0) / 1000));
  switch (cause) {
    case 'clock':
      return {
        reason: `it was signed ${seconds} s in the future.`,
        hint: `The clocks of LiveKit and the daemon differ by ${seconds} s; at most ${LEEWAY_S} s are allowed. Synchronize both with NTP.`,
      };
    case 'expired':
      return {
        reason: `its signature has expired${clockMs === null ? '' : `; it was made ${seconds} s ago`}.`,
        hint: 'LiveKit’s clock is behind, a proxy delayed the webhook, or an old one was sent again. Synchronize both clocks with NTP.',
      };
    case 'body':
      return {
        reason: 'LiveKit signed a different body from the one that arrived.',
        hint: 'A proxy between LiveKit and the daemon changes request bodies. Configure it to pass /api/v1/webhooks/livekit through unchanged.',
      };
    case 'secret':
      return {
        reason: 'it is signed with another secret.',
        hint: 'LIVEKIT_API_SECRET must be the secret that belongs to webhook.api_key in LiveKit’s config.',
      };
    case 'key':
      return {
        reason: 'it is signed with another API key.',
        hint: 'Set webhook.api_key in LiveKit’s config to the daemon’s LIVEKIT_API_KEY.',
      };
    case 'malformed':
      return {
        reason: 'its Authorization header contains no webhook signature.',
        hint: 'A proxy may replace the Authorization header, or something other than LiveKit sends to this address.',
      };
    case 'unsigned':
      return {
        reason: 'it has no Authorization header.',
        hint: 'A proxy may remove the Authorization header, or something other than LiveKit sends to this address.',
      };
  }
}
