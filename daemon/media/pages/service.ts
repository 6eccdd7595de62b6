import { randomUUID } from 'node:crypto';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { DeliveryPlan } from '#shared/delivery/plan.ts';
import { publishOptions } from '#shared/delivery/publish-defaults.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import { roomNamed } from '#shared/rules/rooms.ts';
import type { WatchView, WatchViewers } from '#shared/schema/watch.ts';
import type { LiveHlsService } from '../live-hls/service.ts';
import type { LiveKit } from '../livekit/client.ts';
import { toApiError } from '../livekit/errors.ts';
import type { JoinRights } from '../livekit/join-grant.ts';
import type { RoomDirectory } from '../streams/room-directory.ts';
import type { RoomPlacer } from '../streams/room-placer.ts';

/** LiveKit checks a token when someone enters, and renews it for those who are in the room. */
const TOKEN_SECONDS = 300;

export interface WatchServiceDeps {
  livekit: Pick<LiveKit, 'isConfigured' | 'joinToken' | 'readJoinToken'>;
  apps: { require(name: string): AppEntry; forRoom(room: string): AppEntry | undefined };
  delivery: { plan(app: string): Promise<DeliveryPlan> };
  directory: Pick<RoomDirectory, 'has' | 'counts' | 'hlsViewers' | 'hlsViewer'>;
  placer: Pick<RoomPlacer, 'entryAddress'>;
  liveHls: Pick<LiveHlsService, 'playlistOf' | 'isLive'>;
  clock: Clock;
}

/** Decides who may watch a room, and tells the viewer's page how to play it. */
export class WatchService {
  readonly #deps: WatchServiceDeps;

  constructor(deps: WatchServiceDeps) {
    this.#deps = deps;
  }

  /**
   * @param joinToken the viewer's own token, if there is one
   * @param region a node there is preferred
   * @throws ApiError APP_NOT_FOUND, PLAYBACK_NOT_PUBLIC, JOIN_TOKEN_INVALID, LIVEKIT_NOT_CONFIGURED
   */
  async view(
    name: string,
    wish: string,
    joinToken: string | undefined,
    region: string | undefined,
  ): Promise<WatchView> {
    const { directory, placer } = this.#deps;
    const { room, plan, rights } = await this.#enter(name, wish, joinToken);
    const { publishers } = directory.counts(room);
    const isOpen = directory.has(room);
    // without a room there is nothing to enter: a stranger's token would open one
    const token = rights === undefined && isOpen ? await this.#viewerToken(room, plan) : null;
    const { title, accent, logoUrl, viewerCounter, chat, reactions, adaptive, isPublic } = plan.player;
    return {
      app: name,
      room,
      title,
      accent,
      logoUrl,
      features: { viewerCounter, chat, reactions, publicPlayback: isPublic, adaptivePlayer: adaptive },
      first: plan.playback.first,
      isLive: publishers > 0,
      ...this.#viewers(room, plan),
      wsUrl: isOpen || rights !== undefined ? placer.entryAddress(region) : null,
      token,
      publish: rights?.canPublish === true ? publishOptions(plan.publish) : null,
      hlsUrl: rights?.canSubscribe === false ? null : this.#deps.liveHls.playlistOf(name, room),
    };
  }

  /**
   * A page says that it plays the room's live HLS, or no longer does.
   * @throws ApiError as `view`
   */
  async countHlsViewer(
    name: string,
    wish: string,
    joinToken: string | undefined,
    { viewer, isGone }: { viewer: string; isGone: boolean },
  ): Promise<WatchViewers> {
    const { room, plan, rights } = await this.#enter(name, wish, joinToken);
    const { directory, liveHls, clock } = this.#deps;
    if (rights?.isHidden !== true && (isGone || liveHls.isLive(name, room)))
      directory.hlsViewer(room, viewer, { isGone, now: clock.monotonic() });
    return this.#viewers(room, plan);
  }

  async #enter(name: string, wish: string, joinToken: string | undefined) {
    const { livekit, apps, delivery } = this.#deps;
    const app = apps.require(name);
    const room = roomNamed(wish, app.roomPrefix);
    if (apps.forRoom(room)?.id !== app.id) throw fieldError('params.room', `names a room of another app (${room})`);
    const plan = await delivery.plan(name);
    if (joinToken === undefined && !plan.player.isPublic) throw new ApiError('PLAYBACK_NOT_PUBLIC', { name });
    if (!livekit.isConfigured) throw new ApiError('LIVEKIT_NOT_CONFIGURED');
    const rights = joinToken === undefined ? undefined : await this.#rights(joinToken, room);
    // where anyone may watch, a link with an old token still opens
    if (rights === undefined && !plan.player.isPublic) throw new ApiError('JOIN_TOKEN_INVALID', { room });
    return { room, plan, rights };
  }

  #viewers(room: string, { player }: DeliveryPlan): WatchViewers {
    const { directory } = this.#deps;
    if (!player.viewerCounter) return { viewers: null, hlsViewers: null };
    return { viewers: directory.counts(room).viewers, hlsViewers: directory.hlsViewers(room) };
  }

  async #rights(joinToken: string, room: string): Promise<JoinRights | undefined> {
    const rights = await this.#deps.livekit.readJoinToken(joinToken);
    return rights?.room === room ? rights : undefined;
  }

  async #viewerToken(room: string, plan: DeliveryPlan): Promise<string> {
    try {
      return await this.#deps.livekit.joinToken({
        room,
        identity: `viewer-${randomUUID()}`,
        ttlSeconds: TOKEN_SECONDS,
        playoutDelayMs: plan.room.playoutDelayMs,
        audioOnly: false,
        grant: { canPublish: false, canPublishData: plan.player.chat || plan.player.reactions, canSubscribe: true },
      });
    } catch (error) {
      throw toApiError(error);
    }
  }
}
