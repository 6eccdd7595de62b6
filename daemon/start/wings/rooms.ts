import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { LiveKit } from '#daemon/media/livekit/client.ts';
import { RoomActions } from '#daemon/media/rooms/actions.ts';
import { NodeMap } from '#daemon/media/rooms/node-map.ts';
import { RoomService } from '#daemon/media/rooms/service.ts';
import { LiveCounts } from '#daemon/media/streams/live-counts.ts';
import type { RoomDirectory } from '#daemon/media/streams/room-directory.ts';
import type { RoomPlacer } from '#daemon/media/streams/room-placer.ts';
import { SYSTEM_CLOCK as clock } from '#daemon/platform/clock.ts';
import type { DeliveryPlan } from '#shared/delivery/plan.ts';
import type { Cluster } from './cluster.ts';
import type { Platform } from './platform.ts';

interface RoomParts {
  livekit: LiveKit;
  directory: RoomDirectory;
  placer: RoomPlacer;
  apps: { require(name: string): AppEntry; forRoom(room: string): AppEntry | undefined };
  delivery: { plan(app: string): Promise<DeliveryPlan> };
}

/** Creates what shows open rooms and acts in them. */
export function createRooms(
  { settings, databases, events, background }: Platform,
  { cluster }: Cluster,
  { livekit, directory, placer, apps, delivery }: RoomParts,
) {
  const openRooms = new RoomService({
    livekit,
    databases,
    directory,
    apps,
    placer,
    nodeMap: new NodeMap({ settings, clock }),
    nodeOf: (livekitId) => {
      for (const node of cluster.nodes.values()) if (node.livekit?.nodeId === livekitId) return node;
      return undefined;
    },
    clock,
  });
  const roomActions = new RoomActions({
    livekit,
    apps,
    delivery,
    placer,
    rooms: openRooms,
    announce: (room) => {
      openRooms.expire(room);
      directory.touch(room);
    },
  });
  const onChanged = (room: string): void => openRooms.expire(room);
  const counts = new LiveCounts({ directory, apps, bus: events, background, clock, onChanged });
  return { openRooms, roomActions, counts };
}
