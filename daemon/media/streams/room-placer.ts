import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import { boundedCache } from '#daemon/platform/bounded-cache.ts';
import type { Log } from '#daemon/platform/log.ts';
import { fieldError } from '#shared/errors.ts';
import { roomNamed } from '#shared/rules/rooms.ts';
import type { LiveKit } from '../livekit/client.ts';
import { type RoomSettings, roomOptions } from '../livekit/room-options.ts';
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

type NewRoom = { region: string | undefined; emptySeconds?: number | undefined } & RoomSettings;

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
  /** Rooms that were put on a node and have not begun yet. */
  readonly #placed = boundedCache<string, string>(10_000);
  /** Rooms that are being created. */
  readonly #creating = new Map<string, Promise<Placed>>();

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
  entryAddress(region?: string): string {
    return this.#deps.placement.entryAddress(region === undefined ? {} : { region });
  }

  /** Name of the node that a room which begins now was put on; null = not known. */
  takeNode(room: string): string | null {
    const node = this.#placed.get(room) ?? null;
    this.#placed.delete(room);
    return node;
  }

  /** Creates a room that does not exist yet: on a node where there is a choice, and with the delay that only a new room can get. */
  async place(room: string, { region, emptySeconds, playoutDelayMs }: NewRoom): Promise<Placed> {
    const { placement, directory } = this.#deps;
    const unplaced = { address: placement.entryAddress(region === undefined ? {} : { region }), node: null };
    if ((!placement.hasChoice() && playoutDelayMs === null) || directory.has(room)) return unplaced;
    const creating = this.#creating.get(room);
    if (creating !== undefined) {
      // LiveKit could put it on the nodes of both
      await creating;
      return unplaced;
    }
    const made = this.#create(room, { region, emptySeconds, playoutDelayMs }, unplaced);
    this.#creating.set(room, made);
    return made.finally(() => this.#creating.delete(room));
  }

  async #create(room: string, { region, emptySeconds, playoutDelayMs }: NewRoom, unplaced: Placed): Promise<Placed> {
    const { livekit, log } = this.#deps;
    try {
      if ((await livekit.listRooms([room])).length > 0) return unplaced;
      const placed = this.#choose(room, region);
      if (placed.livekitNodeId === null && playoutDelayMs === null) return { address: placed.address, node: null };
      await livekit.createRoom({
        name: room,
        ...nodeOption(placed),
        ...(emptySeconds === undefined ? {} : { emptyTimeout: emptySeconds }),
        ...roomOptions({ playoutDelayMs }),
      });
      return { address: placed.address, node: placed.node };
    } catch (err) {
      this.#placed.delete(room);
      // LiveKit makes the room with the first who joins
      log.warn({ room, err }, 'a new room could not be created in advance');
      return unplaced;
    }
  }

  /** LiveKit's option for the node that a new room is put on; empty where LiveKit chooses. */
  nodeFor(room: string, region: string | undefined): { nodeId?: string } {
    return nodeOption(this.#choose(room, region));
  }

  #choose(room: string, region: string | undefined): Placed & { livekitNodeId: string | null } {
    const { placement } = this.#deps;
    const options = region === undefined ? {} : { region };
    if (!placement.hasChoice()) return { address: placement.entryAddress(options), node: null, livekitNodeId: null };
    const { livekitNodeId, address, name } = placement.choose(room, options);
    if (livekitNodeId !== null && name !== null) this.#placed.set(room, name);
    return { address, node: livekitNodeId === null ? null : name, livekitNodeId };
  }
}

const nodeOption = ({ livekitNodeId }: { livekitNodeId: string | null }): { nodeId?: string } =>
  livekitNodeId === null ? {} : { nodeId: livekitNodeId };
