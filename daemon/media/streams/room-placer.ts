import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { Log } from '#daemon/platform/log.ts';
import { fieldError } from '#shared/errors.ts';
import { roomNamed } from '#shared/rules/rooms.ts';
import type { LiveKit } from '../livekit/client.ts';
import type { RoomDirectory } from './room-directory.ts';

/** Where rooms are put and clients enter. */
interface Placement {
  /** Fewer than two nodes: there is nothing to choose. */
  hasChoice(): boolean;
  choose(
    room: string,
    options: { region?: string },
  ): { name: string | null; livekitNodeId: string | null; address: string };
  entryAddress(options: { region?: string }): string;
}

/** An address for clients, and the node that a new room was put on; null = LiveKit chooses, or the room was there. */
export interface Placed {
  address: string;
  node: string | null;
}

export interface RoomPlacerDeps {
  livekit: Pick<LiveKit, 'listRooms' | 'createRoom'>;
  directory: RoomDirectory;
  apps: { forRoom(room: string): AppEntry | undefined };
  placement: Placement;
  log: Log<'warn'>;
}

/** Names an app's rooms and puts those that do not exist yet on a node. */
export class RoomPlacer {
  readonly #deps: RoomPlacerDeps;

  constructor(deps: RoomPlacerDeps) {
    this.#deps = deps;
  }

  /**
   * The room with the app's prefix, by default the one that is called like it. A room that belongs to another app is refused.
   * @throws ApiError VALIDATION_FAILED
   */
  nameOf(app: AppEntry, wish: string | undefined): string {
    const room = this.roomOf(app, wish ?? app.roomPrefix);
    if (room === undefined) throw fieldError('body.room', `names a room of another app (${wish})`);
    return room;
  }

  /** The app's room that a name means, with or without the app's prefix; undefined when it is another app's. */
  roomOf(app: AppEntry, name: string): string | undefined {
    const room = roomNamed(name, app.roomPrefix);
    return this.#deps.apps.forRoom(room)?.id === app.id ? room : undefined;
  }

  /** Address of an active node, for anyone who needs no room to be placed. */
  entryAddress(): string {
    return this.#deps.placement.entryAddress({});
  }

  /**
   * Puts a room that does not exist yet on a node, if there is a choice; otherwise nothing changes.
   * @param emptySeconds how long LiveKit keeps the room while nobody has entered; its own setting unless given
   */
  async place(room: string, region: string | undefined, emptySeconds?: number): Promise<Placed> {
    const { placement, livekit, log } = this.#deps;
    const options = region === undefined ? {} : { region };
    if (!placement.hasChoice()) return { address: placement.entryAddress(options), node: null };
    try {
      if (this.#deps.directory.has(room) || (await livekit.listRooms([room])).length > 0) {
        return { address: placement.entryAddress(options), node: null };
      }
      const { livekitNodeId, address, name } = placement.choose(room, options);
      if (livekitNodeId === null) return { address, node: null };
      await livekit.createRoom({
        name: room,
        nodeId: livekitNodeId,
        ...(emptySeconds === undefined ? {} : { emptyTimeout: emptySeconds }),
      });
      return { address, node: name };
    } catch (err) {
      // LiveKit makes the room with the first who joins
      log.warn({ room, err }, 'a new room could not be placed on a node');
      return { address: placement.entryAddress(options), node: null };
    }
  }
}
