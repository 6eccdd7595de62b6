import type { WebhookRejection } from '#shared/schema/webhooks.ts';
import { LEEWAY_S } from '../livekit/signature.ts';

/** Why a webhook was refused and what to do, in words. */
export function explainRejection(cause: WebhookRejection, clockMs: number | null): { reason: string; hint: string } {
  const seconds = Math.abs(Math.round((clockMs ?? 0) / 1000));
  switch (cause) {
    case 'clock':
      return {
        reason: `it was signed ${seconds} s in the future.`,
        hint: `The clocks of LiveKit and of the daemon differ by ${seconds} s; ${LEEWAY_S} s are tolerated. Synchronise both with NTP.`,
      };
    case 'expired':
      return {
        reason: `its signature ended; it was made ${seconds} s ago.`,
        hint: 'LiveKit’s clock is behind, a proxy held the webhook back, or an old one was sent again. Synchronise both clocks with NTP.',
      };
    case 'body':
      return {
        reason: 'LiveKit signed another body than the one that arrived.',
        hint: 'A proxy between LiveKit and the daemon changes request bodies. Pass /api/v1/webhooks/livekit through unchanged.',
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
        reason: 'its Authorization header holds no signature of a webhook.',
        hint: 'A proxy may replace the Authorization header, or something else than LiveKit sends to this address.',
      };
    case 'unsigned':
      return {
        reason: 'it has no Authorization header.',
        hint: 'A proxy may remove the Authorization header, or something else than LiveKit sends to this address.',
      };
  }
}
