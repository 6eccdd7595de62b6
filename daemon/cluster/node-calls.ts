import { hash, randomBytes, randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import type { Clock } from '#daemon/platform/clock.ts';
import type { Actor } from '#daemon/platform/http/types.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import { MAX_STATS_BYTES } from '#shared/limits.ts';
import {
  type DesiredState,
  type HeartbeatBody,
  type JoinAnswer,
  type JoinBody,
  ORIGIN,
} from '#shared/schema/cluster.ts';
import type { NodeAnnouncer } from './announcer.ts';
import { type ClusterCaller, clusterError, NODE_TOKEN_PREFIX } from './cluster-auth.ts';
import { advanceDrain, desiredState } from './drain.ts';
import { type DrainState, loadOf, type NodeEntry } from './node.ts';
import type { NodeRegistry } from './registry.ts';

export interface ClusterConfig {
  /** Empty = clustering is off. */
  clusterToken: string;
  clusterRedisUrl: string;
  publicWsUrl: string;
  livekitUrl: string;
  livekitApiKey: string;
  livekitApiSecret: string;
  clusterStaleSeconds: number;
  clusterDownSeconds: number;
}

export interface NodeCallsDeps {
  config: ClusterConfig;
  nodes: NodeRegistry;
  announcer: NodeAnnouncer;
  clock: Clock;
  heartbeatSeconds: number;
  /** New stats came in. */
  onReport(): void;
}

/** What the daemon says of its own machine. */
export interface OriginReport {
  /** Public base of the daemon, or empty. */
  url: string;
  stats: Record<string, unknown>;
  /** The LiveKit server beside the daemon, where its metrics are known. */
  livekit: NodeEntry['livekit'];
}

/** What nodes ask of the registry: join, heartbeat, leave, and the origin's own refresh. */
export class NodeCalls {
  readonly #config: ClusterConfig;
  readonly #nodes: NodeRegistry;
  readonly #announcer: NodeAnnouncer;
  readonly #clock: Clock;
  readonly #heartbeatSeconds: number;
  readonly #onReport: () => void;

  constructor(deps: NodeCallsDeps) {
    this.#config = deps.config;
    this.#nodes = deps.nodes;
    this.#announcer = deps.announcer;
    this.#clock = deps.clock;
    this.#heartbeatSeconds = deps.heartbeatSeconds;
    this.#onReport = deps.onReport;
  }

  /** @returns what the node needs to run, and whether it is new */
  join(caller: ClusterCaller, body: JoinBody): { answer: JoinAnswer; isNew: boolean } {
    if (isIP(body.ip) === 0 || body.ip.includes('%')) throw fieldError('body.ip', 'must be an IPv4 or IPv6 address');
    const known = caller === 'shared' ? this.#nodes.byName(body.name) : caller;
    // the origin keeps its place also under a name that an operator gave it
    if (caller === 'shared' && (isReserved(body.name) || known?.id === ORIGIN)) {
      throw new ApiError('NODE_NAME_RESERVED', { name: body.name });
    }
    if (known?.status === 'disabled') throw clusterError('NODE_DISABLED', { name: known.name });
    if (known !== undefined && caller === 'shared') this.#refuseNamesake(known, body);
    const token = NODE_TOKEN_PREFIX + randomBytes(32).toString('base64url');
    const values = {
      url: body.url || body.ip,
      ip: body.ip,
      tokenHash: hash('sha256', token),
      isTokenUsed: false,
      ...(body.region === undefined ? {} : { region: body.region || null }),
    };
    const node = known ?? newNode(body.name, new Date(this.#clock.now()).toISOString());
    if (known === undefined) this.#nodes.add(Object.assign(node, values));
    else this.#nodes.update(node, values);
    this.#nodes.touch(node);
    this.#announcer.announce(known === undefined ? 'node.joined' : 'node.updated', node, { actor: actorOf(node) });
    this.#announcer.health(node, 'alive');
    return { answer: this.#joinAnswer(node, token), isNew: known === undefined };
  }

  /**
   * The hot path: everything happens in memory.
   * @returns what the node's agent has to bring about, when one reports
   */
  heartbeat(caller: ClusterCaller, body: HeartbeatBody): DesiredState | undefined {
    const stats = body.stats === undefined ? undefined : JSON.stringify(body.stats);
    if (stats !== undefined && stats.length > MAX_STATS_BYTES / 3 && Buffer.byteLength(stats) > MAX_STATS_BYTES) {
      throw clusterError('STATS_TOO_LARGE');
    }
    const node = this.#require(caller, body.nodeId);
    if (caller !== 'shared' && !node.isTokenUsed) this.#nodes.update(node, { isTokenUsed: true });
    if (stats !== undefined) {
      node.statsJson = stats;
      node.load = loadOf(body.stats as Record<string, unknown>);
      this.#onReport();
    }
    this.#nodes.touch(node);
    if (node.health !== 'alive') this.#announcer.health(node, 'alive');
    if (body.agent === undefined) return undefined;
    const before = node.livekit;
    node.agent = body.agent;
    node.livekit = body.agent.livekit;
    if (node.drain !== null && node.status === 'draining') this.#advance(node, node.drain);
    if (before?.state !== node.livekit.state || before.nodeId !== node.livekit.nodeId)
      this.#announcer.announce('node.updated', node);
    return desiredState(node, this.#clock.now());
  }

  /** A node takes itself out. */
  leave(caller: ClusterCaller, id: string): void {
    const node = this.#require(caller, id);
    if (caller === 'shared') throw clusterError('NODE_CREDENTIAL_REQUIRED');
    this.#nodes.remove(node);
    this.#announcer.removed(node, actorOf(node));
  }

  /** Inserts or refreshes the daemon's own machine; it only comes back at a start once it was removed. */
  refreshOrigin(report: OriginReport, isStart: boolean): void {
    let node = this.#nodes.get(ORIGIN);
    if (node === undefined) {
      if (!isStart) return;
      node = {
        ...newNode(ORIGIN, new Date(this.#clock.now()).toISOString()),
        id: ORIGIN,
        region: ORIGIN,
        url: report.url,
      };
      this.#nodes.add(node);
    } else if (node.url !== report.url) this.#nodes.update(node, { url: report.url });
    node.statsJson = JSON.stringify(report.stats);
    node.load = loadOf(report.stats);
    node.livekit = report.livekit;
    this.#nodes.touch(node);
    if (node.health !== 'alive') this.#announcer.health(node, 'alive');
  }

  #require(caller: ClusterCaller, id: string): NodeEntry {
    if (caller !== 'shared') {
      if (caller.id !== id) throw clusterError('CLUSTER_TOKEN_INVALID');
      return caller;
    }
    const node = this.#nodes.get(id);
    if (node === undefined) throw clusterError('NODE_NOT_FOUND');
    if (node.isTokenUsed) throw clusterError('NODE_CREDENTIAL_REQUIRED');
    return node;
  }

  /** Two machines of one name must not take each other's entry by turns. */
  #refuseNamesake(node: NodeEntry, body: JoinBody): void {
    if (node.isTokenUsed && node.ip !== body.ip && this.#nodes.health(node) === 'alive') {
      throw new ApiError('NODE_NAME_IN_USE', { name: body.name });
    }
  }

  #advance(node: NodeEntry, drain: DrainState): void {
    const next = advanceDrain(drain, node.livekit, this.#clock.now());
    if (next === drain) {
      if (drain.phase !== 'drained') this.#announcer.announce('node.drain', node, { live: true });
      return;
    }
    this.#nodes.update(node, { drain: next });
    if (next.phase !== drain.phase)
      this.#announcer.announce(next.phase === 'drained' ? 'node.drained' : 'node.drain', node);
  }

  #joinAnswer(node: NodeEntry, nodeToken: string): JoinAnswer {
    const config = this.#config;
    return {
      nodeId: node.id,
      name: node.name,
      redisUrl: config.clusterRedisUrl || null,
      publicWsUrl: config.publicWsUrl || null,
      livekit: { apiKey: config.livekitApiKey, apiSecret: config.livekitApiSecret, wsUrl: config.livekitUrl },
      nodeToken,
      heartbeatSeconds: this.#heartbeatSeconds,
    };
  }
}

/** May nobody but the daemon's own machine be called so? */
export const isReserved = (name: string): boolean => name.toLowerCase() === ORIGIN;
const actorOf = (node: NodeEntry): Actor => ({ id: `node:${node.id}`, label: node.name });

function newNode(name: string, createdAt: string): NodeEntry {
  return {
    id: randomUUID(),
    createdAt,
    name,
    url: '',
    ip: null,
    region: null,
    status: 'active',
    tokenHash: null,
    isTokenUsed: false,
    drain: null,
    seenAt: null,
    seenMono: 0,
    statsJson: null,
    load: { cpu: null, memory: null },
    agent: null,
    livekit: null,
    health: 'never',
  };
}
