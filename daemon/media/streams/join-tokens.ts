import { randomUUID } from 'node:crypto';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { PublishQuota } from '#daemon/identity/teams/media-quotas.ts';
import type { Principal } from '#daemon/platform/principal.ts';
import type { DeliveryPlan } from '#shared/delivery/plan.ts';
import { publishOptions } from '#shared/delivery/publish-defaults.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import { JOIN_TOKEN_MAX_SECONDS } from '#shared/limits.ts';
import type { JoinToken, JoinTokenBody } from '#shared/schema/rooms.ts';
import type { LiveKit } from '../livekit/client.ts';
import { toApiError } from '../livekit/errors.ts';
import type { RoomPlacer } from './room-placer.ts';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
const DEFAULT_TTL = '6h';

export interface JoinTokenDeps {
  livekit: LiveKit;
  apps: { require(name: string): AppEntry };
  delivery: { plan(app: string): Promise<DeliveryPlan> };
  placer: RoomPlacer;
  quotas: PublishQuota;
  /** Base of public links, without a trailing slash; null = take it from the request. */
  publicBase(): string | null;
}

/** Makes the tokens that open rooms. */
export class JoinTokenService {
  readonly #deps: JoinTokenDeps;

  constructor(deps: JoinTokenDeps) {
    this.#deps = deps;
  }

  /**
   * @param origin scheme and host under which the caller reached the daemon
   * @throws ApiError QUOTA_EXCEEDED for the right to publish when the team has its number of live streams
   */
  async create(name: string, body: JoinTokenBody, principal: Principal, origin: string): Promise<JoinToken> {
    const { apps, delivery, livekit, placer } = this.#deps;
    const app = apps.require(name);
    const { player, publish, room: roomPlan } = await delivery.plan(name);
    const { playoutDelayMs } = roomPlan;
    const room = placer.nameOf(app, body.room);
    const ttlSeconds = secondsOf(body.ttl ?? DEFAULT_TTL);
    const identity = body.identity ?? `anon-${randomUUID()}`;
    const hidden = body.hidden ?? false;
    const audioOnly = body.audioOnly ?? false;
    if (hidden && !player.hiddenQc) throw new ApiError('FEATURE_OFF', { feature: 'hiddenQc' });
    const canPublish = body.canPublish ?? true;
    if (canPublish) await this.#deps.quotas.checkPublish(principal, app.tenantId, { room, identity });
    let token: string;
    try {
      token = await livekit.joinToken({
        room,
        identity,
        ...(body.name === undefined ? {} : { name: body.name }),
        ...(body.metadata === undefined ? {} : { metadata: body.metadata }),
        ttlSeconds,
        audioOnly,
        playoutDelayMs,
        grant: {
          canPublish,
          canPublishData: canPublish || player.chat || player.reactions,
          canSubscribe: body.canSubscribe ?? true,
          ...(hidden ? { hidden } : {}),
          ...(body.recorder ? { recorder: true } : {}),
        },
      });
    } catch (error) {
      throw toApiError(error);
    }
    const { address, node } = await placer.place(room, { region: body.region, playoutDelayMs });
    const hash = new URLSearchParams({ url: address, token });
    if (body.region) hash.set('region', body.region);
    const page = (kind: 'publish' | 'watch' | 'embed') =>
      `${this.#deps.publicBase() ?? origin}/${kind}/${name}/${room}#${hash}`;
    const embedUrl = page('embed');
    return {
      token,
      app: name,
      room,
      identity,
      hidden,
      audioOnly,
      adaptive: publish.simulcast,
      ...publishOptions(publish),
      wsUrl: address,
      publishUrl: canPublish ? page('publish') : null,
      playUrl: page('watch'),
      embedUrl,
      iframe: `<iframe src="${embedUrl.replaceAll('&', '&amp;')}" allow="autoplay; fullscreen; picture-in-picture" style="border:0;width:100%;aspect-ratio:16/9"></iframe>`,
      node,
    };
  }
}

function secondsOf(ttl: string): number {
  const seconds = Number(ttl.slice(0, -1)) * (UNITS[ttl.at(-1) as string] ?? 1);
  if (seconds > JOIN_TOKEN_MAX_SECONDS)
    throw fieldError('body.ttl', `must be ${JOIN_TOKEN_MAX_SECONDS / 86_400} days at most`);
  return seconds;
}
