import { type Clock, SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import { askRedis } from '#daemon/platform/net/redis.ts';

/** Where LiveKit writes down which node has which room (livekit-server, `pkg/routing/redisrouter.go`). */
const ROOM_NODES = 'room_node_map';
/** Names in one question: the answer must stay small. */
const BATCH = 1000;
/** A Redis that cannot be asked is left alone for this long. */
const REST_MS = 30_000;

export interface NodeMapDeps {
  /** REDIS_URL, as it is when it is asked. */
  settings: { readonly redisUrl?: string };
  clock?: Clock;
}

/** Which LiveKit node a room is on. LiveKit tells it nowhere but in its Redis. */
export class NodeMap {
  readonly #deps: NodeMapDeps;
  #failed: { url: string; at: number } | undefined;

  constructor(deps: NodeMapDeps) {
    this.#deps = deps;
  }

  /** LiveKit's ids of nodes by room; empty when REDIS_URL is not LiveKit's Redis or cannot be asked. */
  async nodesOf(rooms: readonly string[]): Promise<Map<string, string>> {
    const { settings, clock = SYSTEM_CLOCK } = this.#deps;
    const { redisUrl: url = '' } = settings;
    const nodes = new Map<string, string>();
    const isResting = this.#failed?.url === url && clock.monotonic() - this.#failed.at < REST_MS;
    if (url === '' || rooms.length === 0 || isResting) return nodes;
    try {
      for (let from = 0; from < rooms.length; from += BATCH) {
        const names = rooms.slice(from, from + BATCH);
        const [reply] = await askRedis(url, [['HMGET', ROOM_NODES, ...names]]);
        if (!Array.isArray(reply)) break;
        for (const [index, node] of reply.entries())
          if (typeof node === 'string') nodes.set(names[index] as string, node.slice(0, 64));
      }
    } catch {
      this.#failed = { url, at: clock.monotonic() };
    }
    return nodes;
  }
}
