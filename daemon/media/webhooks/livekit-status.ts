import type { Clock } from '#daemon/platform/clock.ts';
import { MASK } from '#shared/config/annotations.ts';
import { type LiveKitStatus, WEBHOOK_REJECTIONS, type WebhookRejection } from '#shared/schema/webhooks.ts';
import { shownAddress } from '#shared/secrets.ts';
import type { LiveKit } from '../livekit/client.ts';
import { LEEWAY_S } from '../livekit/signature.ts';
import type { Reconciler } from '../streams/reconciler.ts';
import { explainRejection } from './rejections.ts';
import type { WebhookService } from './service.ts';

const UNPROVEN: ReadonlySet<WebhookRejection> = new Set(['malformed', 'unsigned']);
const RECENT_MS = 3_600_000;
const WORTH_TELLING_MS = 10_000;

export interface LiveKitStatusDeps {
  clock: Clock;
  livekit: LiveKit;
  webhooks: WebhookService;
  reconciler: Reconciler;
  /** LIVEKIT_URL. */
  url(): string;
  publicBase(): string | null;
}

/** State of the connection between the daemon and LiveKit, for operators. */
export class LiveKitStatusView {
  readonly #deps: LiveKitStatusDeps;

  constructor(deps: LiveKitStatusDeps) {
    this.#deps = deps;
  }

  /** @param origin scheme and host under which the caller reached the daemon */
  tell(origin: string): LiveKitStatus {
    const { livekit, webhooks, reconciler } = this.#deps;
    const livekitUrl = this.#deps.url();
    const { status, since, reason } = livekit.state;
    const { received, repeated, foreign, rejected, lastReceivedAt } = webhooks.counts;
    const clock = livekit.clockDifference;
    const rejections = [...webhooks.rejections].map(([cause, { count, lastAt }]) => ({
      cause,
      count,
      lastAt: new Date(lastAt).toISOString(),
    }));
    const url = `${this.#deps.publicBase() ?? origin}/api/v1/webhooks/livekit`;
    return {
      status,
      since: new Date(since).toISOString(),
      reason,
      url: URL.canParse(livekitUrl) ? shownAddress(livekitUrl, MASK).replace(/\/$/, '') : '',
      webhooks: { url, received, repeated, foreign, rejected, lastReceivedAt: instant(lastReceivedAt), rejections },
      clock:
        clock === null ? null : { differenceSeconds: clock.ms / 1000, measuredAt: new Date(clock.at).toISOString() },
      reconciliation: { lastAt: instant(reconciler.lastRunAt), repaired: reconciler.repaired },
      hint: this.#hint(url),
    };
  }

  #hint(url: string): string | null {
    const { livekit } = this.#deps;
    switch (livekit.state.status) {
      case 'unconfigured':
        return 'Connect LiveKit in the settings: LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET.';
      case 'unreachable': {
        const cure = /\bits Redis\b/.test(livekit.state.reason ?? '')
          ? 'Check the Redis in LiveKit’s configuration (redis.address), where rooms and recordings are stored.'
          : 'Check that LiveKit runs, that LIVEKIT_URL is its address, and that key and secret match its own.';
        return [cure, this.#rejectionHint()].filter((part) => part !== null).join(' ');
      }
    }
    return this.#rejectionHint() ?? this.#clockHint() ?? this.#missingHint(url);
  }

  /** Anyone can send a badly signed webhook, so once good events arrive, LiveKit isn't the cause. */
  #rejectionHint(): string | null {
    const { webhooks, clock } = this.#deps;
    const cause = WEBHOOK_REJECTIONS.find((one) => {
      const rejected = webhooks.rejections.get(one);
      if (rejected === undefined) return false;
      return (
        webhooks.counts.received === 0 || (!UNPROVEN.has(one) && clock.monotonic() - rejected.lastMono < RECENT_MS)
      );
    });
    if (cause === undefined) return null;
    const { reason, hint } = explainRejection(cause, webhooks.rejections.get(cause)?.clockMs ?? null);
    return `A webhook was rejected: ${reason} ${hint}`;
  }

  #clockHint(): string | null {
    const ms = this.#deps.livekit.clockDifference?.ms ?? 0;
    if (Math.abs(ms) <= WORTH_TELLING_MS) return null;
    const seconds = Math.round(Math.abs(ms) / 1000);
    return `LiveKit’s clock is ${seconds} s ${ms > 0 ? 'ahead of' : 'behind'} the daemon’s. Synchronize both with NTP: above ${LEEWAY_S} s webhooks are rejected.`;
  }

  #missingHint(url: string): string | null {
    const { webhooks, reconciler } = this.#deps;
    if (webhooks.counts.received > 0 || reconciler.repaired === 0) return null;
    return `No webhook has arrived. Add ${url} to webhook.urls in LiveKit’s configuration.`;
  }
}

const instant = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());
