import { randomUUID } from 'node:crypto';
import type { AppConfig } from '#shared/config/defaults.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import type { JoinToken, JoinTokenBody } from '#shared/schema/rooms.ts';
import type { AppEntry } from '../apps/registry.ts';
import type { LiveKit } from '../livekit/client.ts';
import { toApiError } from '../livekit/errors.ts';
import type { RoomDirectory } from './room-directory.ts';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
const MAX_TTL_S = 30 * 86_400;
const DEFAULT_TTL = '6h';

/** Where rooms are put and clients enter. */
export interface Placement {
  /** Fewer than two nodes: there is nothing to choose. */
  hasChoice(): boolean;
  choose(
    room: string,
    options: { region?: string },
  ): { name: string | null; livekitNodeId: string | null; address: string };
  entryAddress(options: { region?: string }): string;
}

export interface JoinTokenDeps {
  livekit: LiveKit;
  directory: RoomDirectory;
  apps: { require(name: string): AppEntry; forRoom(room: string): AppEntry | undefined };
  config: { get(app: string): Promise<AppConfig> };
  placement: Placement;
  /** Base of public links, without a trailing slash; null = take it from the request. */
  publicBase: string | null;
  log: { warn(data: object, message: string): void };
}

/** Makes the tokens that open rooms. */
export class JoinTokenService {
  readonly #deps: JoinTokenDeps;

  constructor(deps: JoinTokenDeps) {
    this.#deps = deps;
  }

  /** @param origin scheme and host under which the caller reached the daemon */
  async create(name: string, body: JoinTokenBody, origin: string): Promise<JoinToken> {
    const { apps, config, livekit } = this.#deps;
    const app = apps.require(name);
    const settings = await config.get(name);
    const room = this.#room(app, body.room);
    const ttlSeconds = secondsOf(body.ttl ?? DEFAULT_TTL);
    const identity = body.identity ?? `anon-${randomUUID()}`;
    const hidden = body.hidden ?? false;
    const audioOnly = body.audioOnly ?? false;
    if (hidden && !settings.features.hiddenQc) throw new ApiError('FEATURE_OFF', { feature: 'hiddenQc' });
    let token: string;
    try {
      token = await livekit.joinToken({
        room,
        identity,
        ...(body.name === undefined ? {} : { name: body.name }),
        ...(body.metadata === undefined ? {} : { metadata: body.metadata }),
        ttlSeconds,
        audioOnly,
        grant: {
          canPublish: body.canPublish ?? true,
          canPublishData: body.canPublish ?? true,
          canSubscribe: body.canSubscribe ?? true,
          ...(hidden ? { hidden } : {}),
          ...(body.recorder ? { recorder: true } : {}),
        },
      });
    } catch (error) {
      throw toApiError(error);
    }
    const { address, node } = await this.#place(room, body.region);
    const pages = `${this.#deps.publicBase ?? origin}/api/v1/samples/${name}`;
    const hash = new URLSearchParams({ url: address, token }).toString();
    const embedUrl = `${pages}/embed.html#${hash}`;
    return {
      token,
      app: name,
      room,
      identity,
      hidden,
      audioOnly,
      adaptive: settings.webrtc.adaptive,
      wsUrl: address,
      playUrl: `${pages}/play.html#${hash}`,
      embedUrl,
      iframe: `<iframe src="${embedUrl.replaceAll('&', '&amp;')}" allow="autoplay; fullscreen; picture-in-picture" style="border:0;width:100%;aspect-ratio:16/9"></iframe>`,
      node,
    };
  }

  /** The room with the app's prefix. Another app's longer prefix may lie behind the same name: that is refused. */
  #room(app: AppEntry, wish: string | undefined): string {
    const prefix = app.roomPrefix;
    if (wish === undefined) return prefix;
    const room = wish === prefix || wish.startsWith(`${prefix}-`) ? wish : `${prefix}-${wish}`;
    if (this.#deps.apps.forRoom(room)?.id !== app.id) {
      throw fieldError('body.room', `names a room of another app (${room})`);
    }
    return room;
  }

  /** Puts a room that does not exist yet on a node, if there is a choice; otherwise nothing changes. */
  async #place(room: string, region: string | undefined): Promise<{ address: string; node: string | null }> {
    const { placement, livekit, log } = this.#deps;
    const options = region === undefined ? {} : { region };
    if (!placement.hasChoice()) return { address: placement.entryAddress(options), node: null };
    try {
      if (this.#deps.directory.has(room) || (await livekit.listRooms([room])).length > 0) {
        return { address: placement.entryAddress(options), node: null };
      }
      const { livekitNodeId, address, name } = placement.choose(room, options);
      if (livekitNodeId === null) return { address, node: null };
      await livekit.createRoom({ name: room, nodeId: livekitNodeId });
      return { address, node: name };
    } catch (err) {
      // LiveKit makes the room with the first who joins
      log.warn({ room, err }, 'a new room could not be placed on a node');
      return { address: placement.entryAddress(options), node: null };
    }
  }
}

function secondsOf(ttl: string): number {
  const seconds = Number(ttl.slice(0, -1)) * (UNITS[ttl.at(-1) as string] ?? 1);
  if (seconds > MAX_TTL_S) throw fieldError('body.ttl', 'must be 30 days at most');
  return seconds;
}
