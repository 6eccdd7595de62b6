import { hash, randomBytes, randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import type { Clock } from '#daemon/platform/clock.ts';
import type { Actor } from '#daemon/platform/http/types.ts';
import type { Log } from '#daemon/platform/log.ts';
import { LINK_LOCAL, NOT_ONE_MACHINE, parseAddress } from '#daemon/platform/net/addresses.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import { MAX_STATS_BYTES } from '#shared/limits.ts';
import { CLIENT_ADDRESS, isClientAddress } from '#shared/rules/hosts.ts';
import {
  type AgentReport,
  type DesiredState,
  type HeartbeatBody,
  type JoinAnswer,
  type JoinBody,
  type LeaveBody,
  ORIGIN,
} from '#shared/schema/cluster.ts';
import { publicAddress } from '#shared/secrets.ts';
import type { NodeAnnouncer } from './announcer.ts';
import { type ClusterCaller, clusterError, isJoinCode, NODE_TOKEN_PREFIX } from './cluster-auth.ts';
import { advanceDrain, desiredState } from './drain.ts';
import type { JoinCodeEntry, JoinCodes } from './join-codes.ts';
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

/** The unspecified address, multicast, broadcast and link-local ones. */
const isNoMachine = (ip: string): boolean =>
  LINK_LOCAL.has(ip) || NOT_ONE_MACHINE.has(ip) || parseAddress(ip)?.range() === 'unspecified';

export interface NodeCallsDeps {
  config: ClusterConfig;
  nodes: NodeRegistry;
  codes: JoinCodes;
  announcer: NodeAnnouncer;
  clock: Clock;
  heartbeatSeconds: number;
  /** See `nodeTiming`. */
  twinMs: number;
  log: Log<'warn'>;
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

/** The calls of nodes: join, heartbeat, leave, and the origin's own refresh. */
export class NodeCalls {
  readonly #config: ClusterConfig;
  readonly #nodes: NodeRegistry;
  readonly #announcer: NodeAnnouncer;
  readonly #clock: Clock;
  readonly #heartbeatSeconds: number;
  readonly #codes: JoinCodes;
  readonly #twinMs: number;
  readonly #log: Log<'warn'>;
  readonly #onReport: () => void;

  constructor(deps: NodeCallsDeps) {
    this.#config = deps.config;
    this.#nodes = deps.nodes;
    this.#announcer = deps.announcer;
    this.#clock = deps.clock;
    this.#heartbeatSeconds = deps.heartbeatSeconds;
    this.#codes = deps.codes;
    this.#twinMs = deps.twinMs;
    this.#log = deps.log;
    this.#onReport = deps.onReport;
  }

  /**
   * @param address where the call comes from
   * @returns what the node needs to run, and whether it is new
   */
  join(caller: ClusterCaller, body: JoinBody, address: () => string): { answer: JoinAnswer; isNew: boolean } {
    if (isIP(body.ip) === 0 || body.ip.includes('%')) throw fieldError('body.ip', 'must be an IPv4 or IPv6 address');
    if (isNoMachine(body.ip)) throw fieldError('body.ip', 'must be the address of one machine that others can reach');
    if (body.url && !isClientAddress(body.url)) throw fieldError('body.url', CLIENT_ADDRESS);
    const code = isJoinCode(caller) ? caller : undefined;
    const isNode = caller !== 'shared' && code === undefined;
    const known = isNode ? (caller as NodeEntry) : this.#nodes.byName(body.name);
    // the origin keeps its place also under a name that an operator gave it
    if (!isNode && (isReserved(body.name) || known?.id === ORIGIN)) {
      throw new ApiError('NODE_NAME_RESERVED', { name: body.name });
    }
    if (code !== undefined) this.#checkCode(code, body.name, known);
    if (known?.status === 'disabled') throw clusterError('NODE_DISABLED', { name: known.name });
    if (isNode) this.#refuseTwin(caller as NodeEntry, body.instance, address);
    else if (known !== undefined) this.#refuseNamesake(known, code);
    this.#refuseSameAddress(body, known);
    const token = NODE_TOKEN_PREFIX + randomBytes(32).toString('base64url');
    const values = {
      url:
        isNode && body.url === undefined
          ? addressAfter(caller as NodeEntry, body.ip)
          : publicAddress(body.url ?? '') || body.ip,
      ip: body.ip,
      tokenHash: hash('sha256', token),
      isTokenUsed: false,
      instance: body.instance ?? null,
      instanceMono: this.#clock.monotonic(),
      ...(body.region === undefined ? {} : { region: body.region || null }),
    };
    const node = known ?? newNode(body.name, new Date(this.#clock.now()).toISOString());
    if (code !== undefined && !code.used.includes(node.id)) this.#codes.use(code, node.id);
    try {
      if (known === undefined) this.#nodes.add(Object.assign(node, values));
      else this.#nodes.update(node, values);
    } catch (error) {
      if (code !== undefined) this.#codes.release(code);
      throw error;
    }
    this.#nodes.touch(node);
    this.#announcer.announce(known === undefined ? 'node.joined' : 'node.updated', node, { actor: actorOf(node) });
    this.#announcer.health(node, 'alive');
    return { answer: this.#joinAnswer(node, token), isNew: known === undefined };
  }

  /**
   * The hot path: everything happens in memory.
   * @returns what the node's agent has to bring about, when one reports
   */
  heartbeat(caller: ClusterCaller, body: HeartbeatBody, address: () => string): DesiredState | undefined {
    const stats = body.stats === undefined ? undefined : JSON.stringify(body.stats);
    if (stats !== undefined && stats.length > MAX_STATS_BYTES / 3 && Buffer.byteLength(stats) > MAX_STATS_BYTES) {
      throw clusterError('STATS_TOO_LARGE');
    }
    const node = this.#require(caller, body.nodeId);
    this.#refuseTwin(node, body.instance, address);
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
    const keysBefore = node.agent?.keys?.join();
    node.agent = withPublicAddress(body.agent);
    node.livekit = node.agent.livekit;
    if (node.drain !== null && node.status === 'draining') this.#advance(node, node.drain);
    if (
      before?.state !== node.livekit.state ||
      before.nodeId !== node.livekit.nodeId ||
      keysBefore !== body.agent.keys?.join()
    )
      this.#announcer.announce('node.updated', node);
    return desiredState(node, this.#clock.now());
  }

  /** A node takes itself out. */
  leave(caller: ClusterCaller, { nodeId, instance }: LeaveBody, address: () => string): void {
    const node = this.#require(caller, nodeId);
    if (caller === 'shared') throw clusterError('NODE_CREDENTIAL_REQUIRED');
    this.#refuseTwin(node, instance, address);
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
    if (isJoinCode(caller)) throw clusterError('CLUSTER_TOKEN_INVALID');
    if (caller !== 'shared') {
      if (caller.id !== id) throw clusterError('CLUSTER_TOKEN_INVALID');
      return caller;
    }
    const node = this.#nodes.get(id);
    if (node === undefined) throw clusterError('NODE_NOT_FOUND');
    if (node.isTokenUsed) throw clusterError('NODE_CREDENTIAL_REQUIRED');
    return node;
  }

  /** A code is good for its name, and after its last use only for a machine that did not get the answer to its join. */
  #checkCode(code: JoinCodeEntry, name: string, known: NodeEntry | undefined): void {
    if (code.name !== null && code.name !== name) throw clusterError('JOIN_CODE_NAME', { name: code.name });
    const isRetry = known !== undefined && code.used.includes(known.id) && !known.isTokenUsed;
    if (!isRetry && !this.#codes.hasUsesLeft(code)) throw clusterError('JOIN_CODE_INVALID');
  }

  /** A node that is alive yields only to its own credential, or to the operator who removes it. */
  #refuseNamesake(node: NodeEntry, code: JoinCodeEntry | undefined): void {
    const isOwn = node.isTokenUsed || (code !== undefined && !code.used.includes(node.id));
    if (isOwn && this.#nodes.health(node) === 'alive') throw clusterError('NODE_NAME_IN_USE', { name: node.name });
  }

  /** The same for the address that clients are given. Machines behind one NAT may share an IP address. */
  #refuseSameAddress({ url }: JoinBody, known: NodeEntry | undefined): void {
    const key = url === undefined ? null : addressOf(url);
    if (key === null) return;
    for (const node of this.#nodes.values()) {
      if (node === known || !node.isTokenUsed || addressOf(node.url) !== key) continue;
      if (this.#nodes.health(node) === 'alive')
        throw clusterError('NODE_ADDRESS_IN_USE', { name: node.name, url: node.url });
    }
  }

  /** Two machines must not act as one node: the one that reported first keeps it for as long as it reports. */
  #refuseTwin(node: NodeEntry, instance: string | undefined, address: () => string): void {
    if (instance === undefined) return;
    const now = this.#clock.monotonic();
    if (node.instance === null || node.instance === instance || now - node.instanceMono > this.#twinMs) {
      node.instance = instance;
      node.instanceMono = now;
      return;
    }
    const isNews = this.#nodes.duplicate(node) === null;
    node.duplicate = { address: address(), seenAt: this.#clock.now(), seenMono: now };
    if (isNews) {
      this.#log.warn(
        { node: node.name, ip: node.duplicate.address },
        'a second machine sends heartbeats as this node; it is rejected',
      );
      this.#announcer.announce('node.updated', node);
    }
    throw clusterError('NODE_DUPLICATED', { name: node.name });
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

/** Clients are given the address that an agent tells. */
const withPublicAddress = (agent: AgentReport): AgentReport => {
  const { url } = agent.livekit;
  return url === undefined ? agent : { ...agent, livekit: { ...agent.livekit, url: publicAddress(url) } };
};

/** A `ws://` or `wss://` address in one spelling; null = none that clients are given. */
function addressOf(url: string): string | null {
  const parsed = URL.parse(url);
  if (parsed === null || !/^wss?:$/.test(parsed.protocol)) return null;
  return `${parsed.host}${parsed.pathname.replace(/\/+$/, '')}`;
}

/** A node that names no address keeps the one that it named before. */
const addressAfter = ({ url, ip }: NodeEntry, now: string): string => (url === ip ? now : url);

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
    load: { cpu: null, memory: null, forwardMs: null, diskFree: null, quality: null },
    agent: null,
    livekit: null,
    health: 'never',
    instance: null,
    instanceMono: 0,
    duplicate: null,
  };
}
