import { MASK } from '#shared/config/annotations.ts';
import type { LiveKitStatus } from '#shared/schema/webhooks.ts';
import { shownAddress } from '#shared/secrets.ts';
import type { LiveKit } from '../livekit/client.ts';
import type { Reconciler } from '../streams/reconciler.ts';
import type { WebhookService } from './service.ts';

export interface LiveKitStatusDeps {
  livekit: LiveKit;
  webhooks: WebhookService;
  reconciler: Reconciler;
  /** LIVEKIT_URL. */
  url: string;
  publicBase: string | null;
}

/** How the daemon and LiveKit get on, for operators. */
export class LiveKitStatusView {
  readonly #deps: LiveKitStatusDeps;

  constructor(deps: LiveKitStatusDeps) {
    this.#deps = deps;
  }

  /** @param origin scheme and host under which the caller reached the daemon */
  tell(origin: string): LiveKitStatus {
    const { livekit, webhooks, reconciler, publicBase } = this.#deps;
    const { status, since, reason } = livekit.state;
    const { received, repeated, foreign, rejected, lastReceivedAt } = webhooks.counts;
    const url = `${publicBase ?? origin}/api/v1/webhooks/livekit`;
    return {
      status,
      since: new Date(since).toISOString(),
      reason,
      url: URL.canParse(this.#deps.url) ? shownAddress(this.#deps.url, MASK).replace(/\/$/, '') : '',
      webhooks: { url, received, repeated, foreign, rejected, lastReceivedAt: instant(lastReceivedAt) },
      reconciliation: { lastAt: instant(reconciler.lastRunAt), repaired: reconciler.repaired },
      hint: this.#hint(url),
    };
  }

  #hint(url: string): string | null {
    const { livekit, webhooks, reconciler } = this.#deps;
    switch (livekit.state.status) {
      case 'unconfigured':
        return 'Set LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET.';
      case 'unreachable':
        return /\bits Redis\b/.test(livekit.state.reason ?? '')
          ? 'Check the Redis that LiveKit’s configuration names (redis.address): rooms and recordings live there.'
          : 'Check that LiveKit runs, that LIVEKIT_URL leads to it, and that key and secret are its own.';
    }
    if (webhooks.counts.received > 0) return null;
    if (webhooks.counts.rejected > 0)
      return 'Webhooks arrive with another key: set webhook.api_key of LiveKit to ours.';
    if (reconciler.repaired > 0) return `No webhook has arrived: add ${url} to webhook.urls of LiveKit.`;
    return null;
  }
}

const instant = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());
