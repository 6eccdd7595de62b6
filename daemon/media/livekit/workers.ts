import { setTimeout as pause } from 'node:timers/promises';
import { askRedis, type RedisReply } from '#daemon/platform/net/redis.ts';
import type { Egress } from './egress.ts';
import { notTaken } from './errors.ts';

type Service = 'egress' | 'ingress';

/** Where LiveKit's services listen for orders (psrpc, livekit/protocol `rpc`); the part in between is a cluster's name. */
const ORDERS: Record<Service, string> = {
  egress: 'EgressInternal|StartEgress|*REQ',
  ingress: 'IngressInternal|StartIngress|*REQ',
};
/** Where LiveKit writes its own nodes down: that Redis is LiveKit's. */
const NODES = 'nodes';
/** Without a service nobody will answer; a starting one gets this long to appear. */
const NOBODY_MS = 2000;
const LAST = 3;

/** What an order asked for, for the one who reads why it was not taken. */
export interface Asked {
  what: 'egress' | 'hls' | 'ingress';
  /** Rooms that the reader may know of begin with it. */
  roomPrefix: string;
  room: string;
  /** A participant's recording; null = the whole room. */
  identity: string | null;
  /** Processors that the service sets aside for it. */
  cpus: number;
}

/** Why no service took an order. */
export interface NotTaken {
  reason: string;
  hint: string;
  /** For the answer and the log. */
  extra: {
    asked: { service: Service; room: string; identity: string | null; cpus: number };
    workers: {
      /** Services that listen on LiveKit's Redis; null = unknown, because REDIS_URL is not LiveKit's. */
      connected: number | null;
      /** Orders that they carry out now. */
      running: number;
      /** The last things heard from them about rooms of this app, the newest first. */
      last: { room: string; status: string; error: string | null; at: string | null }[];
    };
  };
}

export interface MediaWorkersDeps {
  /** REDIS_URL, as it is when it is asked. */
  settings: { readonly redisUrl?: string };
  listEgress(): Promise<Egress[]>;
}

/**
 * LiveKit's egress and ingress services. LiveKit says the same when none runs and when none has processors left, but
 * each of them listens for orders on LiveKit's Redis, and listeners can be counted.
 */
export class MediaWorkers {
  readonly #deps: MediaWorkersDeps;

  constructor(deps: MediaWorkersDeps) {
    this.#deps = deps;
  }

  /** Services that take orders now; undefined when REDIS_URL cannot be asked or is not LiveKit's. */
  async count(service: Service): Promise<number | undefined> {
    try {
      const { redisUrl = '' } = this.#deps.settings;
      const [nodes, channels] = await askRedis(redisUrl, [
        ['HLEN', NODES],
        ['PUBSUB', 'CHANNELS', ORDERS[service]],
      ]);
      if (typeof nodes !== 'number' || nodes === 0 || !isTexts(channels)) return undefined;
      if (channels.length === 0) return 0;
      const [counts] = await askRedis(redisUrl, [['PUBSUB', 'NUMSUB', ...channels]]);
      return Array.isArray(counts)
        ? counts.reduce<number>((sum, one) => sum + (typeof one === 'number' ? one : 0), 0)
        : undefined;
    } catch {
      return undefined;
    }
  }

  /** Ends the wait for an answer that nobody is there to give. The caller must abort it when the answer is there. */
  async whenNobody(service: Service, signal: AbortSignal): Promise<boolean> {
    const isNobody = async (): Promise<boolean> => (await this.count(service)) === 0;
    if (!(await isNobody()) || signal.aborted) return false;
    await pause(NOBODY_MS, undefined, { signal }).catch(() => undefined);
    return !signal.aborted && (await isNobody());
  }

  /** Says why nobody took an order, with what is known of those who could have. */
  async explain({ what, roomPrefix, room, identity, cpus }: Asked): Promise<NotTaken> {
    const service = what === 'ingress' ? 'ingress' : 'egress';
    const [connected, egresses] = await Promise.all([
      this.count(service),
      service === 'egress' ? this.#deps.listEgress().catch(() => []) : [],
    ]);
    const told = egresses
      .filter((one) => one.room.startsWith(roomPrefix))
      .map(({ room, status, error, startedAt, endedAt }) => ({ room, status, error, at: endedAt ?? startedAt ?? 0 }))
      .sort((a, b) => b.at - a.at)
      .slice(0, LAST);
    const last = told.map((one) => ({ ...one, at: one.at === 0 ? null : new Date(one.at).toISOString() }));
    const running = egresses.filter(
      ({ state }) => state === 'starting' || state === 'recording' || state === 'ending',
    ).length;
    return {
      ...notTaken(what, cpus, connected, running),
      extra: {
        asked: { service, room, identity, cpus },
        workers: { connected: connected ?? null, running, last },
      },
    };
  }
}

const isTexts = (reply: RedisReply | undefined): reply is string[] =>
  Array.isArray(reply) && reply.every((one) => typeof one === 'string');
